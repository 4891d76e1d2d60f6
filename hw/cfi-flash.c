// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NOR flash in a file. While the array is read the guest reads it without leaving KVM; a command takes
 * the mapping away until the array is read again.
 *
 * The array is a copy in memory and every change goes to the file at once: a mapped file would turn a full
 * disk, or somebody truncating it, into a signal here instead of a failure the guest is told of.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cfi-chip.h"
#include "lkvm/boot/file.h"
#include "lkvm/config/options.h"
#include "lkvm/hw/cfi-flash.h"
#include "lkvm/util/file-lock.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/rom.h"
#include "lkvm/vm/vm.h"

struct cfi_flash {
	struct device device;
	const char *path; /* of the configuration, for messages */
	int fd;		  /* holds the lock */

	pthread_mutex_t lock; /* everything below */
	struct cfi_chip chip;
	struct vm_rom rom;
	bool written; /* since it was brought to stable storage */
	struct log_limit limit;
};

static int write_all(int fd, const u8 *data, u32 len, u32 offset)
{
	while (len) {
		ssize_t done = pwrite(fd, data, len, offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		data += done;
		offset += done;
		len -= done;
	}
	return 0;
}

static int flash_store(struct cfi_chip *chip, u32 offset, u32 len)
{
	struct cfi_flash *flash = CONTAINER_OF(chip, struct cfi_flash, chip);
	int err = write_all(flash->fd, chip->array + offset, len, offset);

	flash->written = true;
	if (err && log_limit_ok(&flash->limit))
		log_error("--flash %s: writing failed: %s", flash->path, strerror(-err));
	return err;
}

/* The guest sees the array directly exactly while that is what a read shows. Lock held. */
static void update_mapping(struct cfi_flash *flash)
{
	bool array = flash->chip.guest.read == CFI_READ_ARRAY;
	int err = vm_rom_map(&flash->rom, array);

	if (err && log_limit_ok(&flash->limit))
		log_error("--flash %s: KVM does not %s it: %s", flash->path,
			  array ? "map" : "unmap", strerror(-err));
}

static void flash_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	struct cfi_flash *flash = opaque;

	pthread_mutex_lock(&flash->lock);
	cfi_chip_read(&flash->chip, offset, data, len);
	pthread_mutex_unlock(&flash->lock);
}

static void flash_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct cfi_flash *flash = opaque;

	pthread_mutex_lock(&flash->lock);
	cfi_chip_write(&flash->chip, offset, data, len);
	update_mapping(flash);
	pthread_mutex_unlock(&flash->lock);
}

static const struct bus_ops flash_bus_ops = { .read = flash_read, .write = flash_write };

static void flash_reset(struct device *device)
{
	struct cfi_flash *flash = CONTAINER_OF(device, struct cfi_flash, device);

	pthread_mutex_lock(&flash->lock);
	cfi_chip_reset(&flash->chip);
	update_mapping(flash);
	pthread_mutex_unlock(&flash->lock);
}

static void flash_destroy(struct device *device)
{
	struct cfi_flash *flash = CONTAINER_OF(device, struct cfi_flash, device);

	if (flash->written && fdatasync(flash->fd))
		log_error("--flash %s: writing failed: %s", flash->path, strerror(errno));
	vm_rom_map(&flash->rom, false);
	free(flash->chip.array);
	if (flash->fd >= 0)
		close(flash->fd);
	pthread_mutex_destroy(&flash->lock);
	free(flash);
}

static const struct device_ops flash_ops = { .reset = flash_reset, .destroy = flash_destroy };

/* ---- the file ---- */

/* `why` NULL: as the error says. */
static int cfi_flash_refuse(const struct cfi_flash *flash, int err, const char *why)
{
	log_fatal("--flash %s: %s", flash->path, why ?: strerror(-err));
	return err;
}

static int open_file(struct cfi_flash *flash)
{
	int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

	flash->fd = open(flash->path, O_RDWR | flags);
	if (flash->fd >= 0)
		return 0;
	if (errno == EACCES || errno == EPERM || errno == EROFS) {
		flash->chip.readonly = true;
		flash->fd = open(flash->path, O_RDONLY | flags);
	}
	return flash->fd < 0 ? cfi_flash_refuse(flash, -errno, NULL) : 0;
}

static int check_file(struct cfi_flash *flash, u64 max)
{
	struct stat st;

	if (fstat(flash->fd, &st))
		return cfi_flash_refuse(flash, -errno, NULL);
	if (!S_ISREG(st.st_mode))
		return cfi_flash_refuse(flash, -EINVAL, "it is not a regular file");
	max = MIN(max, (u64)CFI_MAX_SIZE);
	if (!IS_POWER_OF_2((u64)st.st_size) || (u64)st.st_size < CFI_MIN_SIZE ||
	    (u64)st.st_size > max) {
		log_fatal("--flash %s: it has %llu bytes; the size of a flash is a power of two "
			  "from %llu KiB to %llu MiB (truncate -s 1M FILE makes it so)",
			  flash->path, (unsigned long long)st.st_size,
			  (unsigned long long)CFI_MIN_SIZE >> 10, (unsigned long long)max >> 20);
		return -EINVAL;
	}
	flash->chip.size = st.st_size;
	return 0;
}

static int lock_file(const struct cfi_flash *flash)
{
	char who[64];
	struct file_holder holder;
	int err = file_lock(flash->fd, !flash->chip.readonly, &holder);

	if (err >= 0)
		return 0;
	if (err != -EBUSY) {
		log_warning("--flash %s: cannot be locked (%s): take care that nobody else uses it",
			    flash->path, strerror(-err));
		return 0;
	}
	file_holder_text(&holder, who, sizeof(who));
	log_fatal("--flash %s: in use by %s", flash->path, who);
	return err;
}

static int read_file(struct cfi_flash *flash)
{
	const struct boot_file file = { .fd = flash->fd };
	struct cfi_chip *chip = &flash->chip;
	ssize_t got;

	/* Whole pages, of any host's size. */
	chip->array = aligned_alloc(CFI_BLOCK, chip->size);
	if (!chip->array)
		return -ENOMEM;
	got = boot_file_read(&file, 0, chip->array, chip->size);
	if (got < 0)
		return cfi_flash_refuse(flash, got, NULL);
	if (got < chip->size)
		return cfi_flash_refuse(flash, -ENODATA, "it became shorter");
	return 0;
}

static int load_file(struct cfi_flash *flash, u64 max)
{
	int err = open_file(flash) ?: check_file(flash, max) ?: lock_file(flash) ?: read_file(flash);

	if (!err && flash->chip.readonly)
		log_info("--flash %s: cannot be written, so the guest cannot change it",
			 flash->path);
	return err;
}

/* ---- creation ---- */

int cfi_flash_open(const char *path, u64 max, void **opened)
{
	struct cfi_flash *flash = calloc(1, sizeof(*flash));
	int err;

	if (!flash)
		return -ENOMEM;
	device_init(&flash->device, &flash_ops, "cfi-flash");
	pthread_mutex_init(&flash->lock, NULL);
	flash->path = path;
	flash->limit.burst = 3;
	flash->chip.store = flash_store;
	err = load_file(flash, max);
	if (err)
		flash_destroy(&flash->device);
	else
		*opened = flash;
	return err;
}

void cfi_flash_close(void *opened)
{
	struct cfi_flash *flash = opened;

	flash_destroy(&flash->device);
}

int cfi_flash_create(struct vm *vm, gpa_t base, void **opened)
{
	struct cfi_flash *flash = *opened;

	*opened = NULL;
	vm_rom_init(&flash->rom, vm, base, flash->chip.array, flash->chip.size);
	/* The label is how firmware finds the flash for its variables. */
	flash->device.description = (struct device_description){
		.compatible = "cfi-flash",
		.node_name = "flash",
		.label = "System-firmware",
		.bank_width = CFI_BANK_WIDTH,
		.where = { RESOURCE_MMIO, base, flash->chip.size },
		.gsi = -1,
	};
	return device_attach(&flash->device, vm, &flash_bus_ops, flash);
}

/* ---- --flash ---- */

/* A board without a place for one does not list the kind. */
#ifndef ARCH_FLASH_BASE
#define ARCH_FLASH_BASE 0
#define ARCH_FLASH_SIZE 0
#endif

struct flash_config {
	const char *path;
};

static const struct key_row flash_keys[] = {
	KEY_ROW(STRING, "FILE", .offset = offsetof(struct flash_config, path), .first = true,
		.argument = "FILE"),
	{ 0 },
};

static const struct option_row flash_options[] = {
	OPTION_ROW(DEVICE, "flash", .letter = 'F', .argument = "FILE", .keys = flash_keys,
		   .help = "NOR flash with the file's contents, at most 16 MiB",
		   .man = "What the guest writes is kept in the file, if it can be written: a "
			  "firmware's variables, say."),
	{ 0 },
};

static int flash_open(struct vm *vm, const void *record, unsigned index, void **opened)
{
	const struct flash_config *config = record;

	return cfi_flash_open(config->path, ARCH_FLASH_SIZE, opened);
}

static int flash_create(struct vm *vm, const void *record, unsigned index, void **opened)
{
	return cfi_flash_create(vm, ARCH_FLASH_BASE, opened);
}

const struct device_kind cfi_flash_kind = {
	.config = {
		.name = "flash",
		.max = 1,
		.size = sizeof(struct flash_config),
		.rows = flash_options,
		.group = OPTION_GROUP_DEVICES,
	},
	.open = flash_open,
	.close = cfi_flash_close,
	.create = flash_create,
};
