// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/boot/initrd.h"
#include "lkvm/hw/fw-cfg.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vcpu.h"
#include "lkvm/vm/vm.h"

#define MAX_ITEMS  24
#define NAME_SIZE  56
#define FIRST_NAME 0x20	  /* keys of items with a name begin here */
#define NOBODY	   0xffff /* a key that no item has */
#define CHUNK	   16384
#define FILE_ALIGN 4 /* as boot_initrd_load() pads */

/* Ports, from the first */
#define PORT_SELECTOR 0 /* 16 bits */
#define PORT_DATA     1
#define PORT_DMA_HIGH 4 /* big-endian, 32 bits each; the second one begins */
#define PORT_DMA_LOW  8

#define ID_PORTS 1 /* bit 0: selector and data; bit 1: DMA */
#define ID_DMA	 2

#define DMA_ERROR  BIT(0)
#define DMA_READ   BIT(1)
#define DMA_SKIP   BIT(2)
#define DMA_SELECT BIT(3) /* what the upper 16 bits say */
#define DMA_WRITE  BIT(4)

/* In guest memory, all big-endian. */
struct dma_access {
	u32 control;
	u32 length;
	u64 address;
} __packed;
_Static_assert(sizeof(struct dma_access) == 16, "FWCfgDmaAccess");

struct dir_entry {
	u32 size; /* big-endian */
	u16 key;
	u16 reserved;
	char name[NAME_SIZE];
} __packed;
_Static_assert(sizeof(struct dir_entry) == 64, "FWCfgFile");

struct item {
	u16 key;
	char name[NAME_SIZE]; /* "": it has none */
	u32 size;
	u8 *bytes; /* NULL: it is in the files, one behind the other */
	const struct boot_file *files;
	unsigned nr_files;
};

/* What a guest sees of it, beside the items. */
struct fw_cfg_state {
	u32 offset; /* in the item, where the next byte is read */
	u32 dma_high;
	u16 key;
	u16 unused;
};
_Static_assert(sizeof(struct fw_cfg_state) == 12, "no padding");

struct fw_cfg {
	struct device device;
	struct vm *vm;
	struct item items[MAX_ITEMS];
	unsigned nr_items;
	u16 next_key;
	/* The guest's side: */
	pthread_mutex_t lock;
	struct fw_cfg_state state;
	u8 chunk[CHUNK];
};

/* ---- items ---- */

static struct item *fw_cfg_find(struct fw_cfg *fw, u16 key)
{
	for (unsigned i = 0; i < fw->nr_items; i++)
		if (fw->items[i].key == key)
			return &fw->items[i];
	return NULL;
}

static struct item *find_name(struct fw_cfg *fw, const char *name)
{
	for (unsigned i = 0; i < fw->nr_items; i++)
		if (!strcmp(fw->items[i].name, name))
			return &fw->items[i];
	return NULL;
}

static struct item *fw_cfg_add(struct fw_cfg *fw, u16 key)
{
	struct item *item = fw_cfg_find(fw, key);

	if (item || fw->nr_items == MAX_ITEMS)
		return item;
	item = &fw->items[fw->nr_items++];
	memset(item, 0, sizeof(*item));
	item->key = key;
	return item;
}

static int set_bytes(struct item *item, const void *bytes, u32 size)
{
	u8 *copy = malloc(MAX(size, 1u));

	if (!copy)
		return -ENOMEM;
	if (size)
		memcpy(copy, bytes, size);
	free(item->bytes);
	item->bytes = copy;
	item->size = size;
	item->files = NULL;
	return 0;
}

int fw_cfg_set(struct fw_cfg *fw, u16 key, const void *bytes, u32 size)
{
	struct item *item = fw_cfg_add(fw, key);

	return item ? set_bytes(item, bytes, size) : -ENOSPC;
}

int fw_cfg_set_u32(struct fw_cfg *fw, u16 key, u32 value)
{
	le32 bytes = htole32(value);

	return fw_cfg_set(fw, key, &bytes, sizeof(bytes));
}

static int write_directory(struct fw_cfg *fw)
{
	struct {
		u32 count;
		struct dir_entry entries[MAX_ITEMS];
	} __packed dir;
	unsigned nr = 0;

	memset(&dir, 0, sizeof(dir));
	for (unsigned i = 0; i < fw->nr_items; i++) {
		const struct item *item = &fw->items[i];

		if (!*item->name)
			continue;
		dir.entries[nr].size = htobe32(item->size);
		dir.entries[nr].key = htobe16(item->key);
		memcpy(dir.entries[nr].name, item->name, NAME_SIZE);
		nr++;
	}
	dir.count = htobe32(nr);
	return fw_cfg_set(fw, FW_CFG_FILE_DIR, &dir, sizeof(dir.count) + nr * sizeof(*dir.entries));
}

int fw_cfg_set_name(struct fw_cfg *fw, const char *name, const void *bytes, u32 size)
{
	struct item *item = find_name(fw, name);
	int err;

	if (!*name || strlen(name) >= NAME_SIZE)
		return -EINVAL;
	if (!item) {
		item = fw_cfg_add(fw, fw->next_key);
		if (!item)
			return -ENOSPC;
		fw->next_key++;
		memcpy(item->name, name, strlen(name) + 1);
	}
	err = set_bytes(item, bytes, size);
	return err ?: write_directory(fw);
}

int fw_cfg_set_files(struct fw_cfg *fw, u16 key, const struct boot_file *files, unsigned nr)
{
	u64 size = boot_initrd_size(files, nr);
	struct item *item;

	if (size > UINT32_MAX)
		return -EFBIG;
	item = fw_cfg_add(fw, key);
	if (!item)
		return -ENOSPC;
	free(item->bytes);
	item->bytes = NULL;
	item->size = size;
	item->files = files;
	item->nr_files = nr;
	return 0;
}

/* ---- reading ---- */

/* Zeroed bytes are there already: those between files, and behind what became shorter, stay so. */
static int read_files(const struct item *item, u64 offset, u8 *buffer, u32 len)
{
	u64 begin = 0, end;

	for (unsigned i = 0; i < item->nr_files; i++, begin = ALIGN_UP(end, FILE_ALIGN)) {
		const struct boot_file *file = &item->files[i];
		u64 from = MAX(begin, offset), to;
		ssize_t got;

		end = begin + file->size;
		to = MIN(end, offset + len);
		if (from >= to)
			continue;
		got = boot_file_read(file, from - begin, buffer + (from - offset), to - from);
		if (got != (ssize_t)(to - from))
			return got < 0 ? got : -ENODATA;
	}
	return 0;
}

/* The item's next bytes; behind its end, and of none, there are zeros. Nobody reads at offset 4 GiB. */
static int read_next(struct fw_cfg *fw, u8 *buffer, u32 len)
{
	const struct item *item = fw_cfg_find(fw, fw->state.key);
	u32 left = item ? item->size - MIN(fw->state.offset, item->size) : 0;
	u32 use = MIN(len, left);
	int err = 0;

	memset(buffer, 0, len);
	if (use && item->bytes)
		memcpy(buffer, item->bytes + fw->state.offset, use);
	else if (use)
		err = read_files(item, fw->state.offset, buffer, use);
	fw->state.offset += use;
	return err;
}

static void select_item(struct fw_cfg *fw, u16 key)
{
	fw->state.key = key;
	fw->state.offset = 0;
}

/* ---- DMA ---- */

static int read_into_guest(struct fw_cfg *fw, gpa_t gpa, u32 length)
{
	while (length) {
		u32 len = MIN(length, (u32)CHUNK);
		int err;

		/* A request may be for 4 GiB: neither the end of the guest nor a pause waits for that. */
		if (vm_ending(fw->vm))
			return -ECANCELED;
		if (vcpus_parking(fw->vm))
			return -EINTR;
		err = read_next(fw, fw->chunk, len);
		/* Wrapping around is refused with all else that is no memory. */
		if (!err)
			err = guest_write(&fw->vm->memory, gpa, fw->chunk, len);
		if (err)
			return err;
		gpa += len;
		length -= len;
	}
	return 0;
}

static int do_access(struct fw_cfg *fw, u32 control, u32 length, gpa_t gpa)
{
	const struct item *item;

	if (control & DMA_SELECT)
		select_item(fw, control >> 16);
	if (control & DMA_READ)
		return read_into_guest(fw, gpa, length);
	if (control & DMA_WRITE)
		return -EPERM;
	if (control & DMA_SKIP) {
		item = fw_cfg_find(fw, fw->state.key);
		if (item)
			fw->state.offset += MIN(length, item->size - fw->state.offset);
	}
	return 0;
}

/*
 * A descriptor that is in no memory has no place for the answer either. False: the vCPU is wanted elsewhere, and
 * all is as it was before.
 */
static bool run_dma(struct fw_cfg *fw, gpa_t gpa)
{
	u32 answer, offset = fw->state.offset;
	struct dma_access access;
	u16 key = fw->state.key;
	int err;

	if (guest_read(&fw->vm->memory, gpa, &access, sizeof(access)))
		return true;
	err = do_access(fw, be32toh(access.control), be32toh(access.length),
			be64toh(access.address));
	if (err == -EINTR) {
		fw->state.key = key;
		fw->state.offset = offset;
		return false;
	}
	answer = htobe32(err ? DMA_ERROR : 0);
	if (guest_write(&fw->vm->memory, gpa, &answer, sizeof(answer)))
		log_debug("fw_cfg: a DMA descriptor that cannot be written");
	return true;
}

/* ---- ports ---- */

static void port_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	/* What tells a guest that there is DMA. */
	static const char signature[] = "QEMU CFG";
	struct fw_cfg *fw = opaque;

	memset(data, 0, len);
	if (offset >= PORT_DMA_HIGH) {
		memcpy(data, &signature[offset - PORT_DMA_HIGH], len);
		return;
	}
	if (offset != PORT_DATA || len != 1)
		return;
	pthread_mutex_lock(&fw->lock);
	if (read_next(fw, data, 1))
		*data = 0;
	pthread_mutex_unlock(&fw->lock);
}

static void port_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct fw_cfg *fw = opaque;
	u32 value;

	pthread_mutex_lock(&fw->lock);
	if (offset == PORT_SELECTOR && len == 2)
		select_item(fw, bus_get(data, 2));
	value = len == 4 ? htobe32(bus_get(data, 4)) : 0;
	if (offset == PORT_DMA_HIGH && len == 4)
		fw->state.dma_high = value;
	if (offset == PORT_DMA_LOW && len == 4) {
		if (run_dma(fw, (u64)fw->state.dma_high << 32 | value))
			fw->state.dma_high = 0;
		else
			vcpu_current()->repeat_exit = true;
	}
	pthread_mutex_unlock(&fw->lock);
}

static const struct bus_ops port_ops = { .read = port_read, .write = port_write };

/* ---- life cycle ---- */

static void fw_cfg_reset(struct device *device)
{
	struct fw_cfg *fw = CONTAINER_OF(device, struct fw_cfg, device);

	pthread_mutex_lock(&fw->lock);
	select_item(fw, NOBODY);
	fw->state.dma_high = 0;
	pthread_mutex_unlock(&fw->lock);
}

static void fw_cfg_destroy(struct device *device)
{
	struct fw_cfg *fw = CONTAINER_OF(device, struct fw_cfg, device);

	for (unsigned i = 0; i < fw->nr_items; i++)
		free(fw->items[i].bytes);
	pthread_mutex_destroy(&fw->lock);
	free(fw);
}

static const struct device_ops device_ops = { .reset = fw_cfg_reset, .destroy = fw_cfg_destroy };

int fw_cfg_create(struct vm *vm, u16 port, struct fw_cfg **result)
{
	struct fw_cfg *fw = calloc(1, sizeof(*fw));
	int err;

	if (!fw)
		return -ENOMEM;
	device_init(&fw->device, &device_ops, "fw-cfg");
	pthread_mutex_init(&fw->lock, NULL);
	fw->vm = vm;
	fw->next_key = FIRST_NAME;
	fw->device.description.where =
		(struct device_resource){ RESOURCE_PORT, port, FW_CFG_PORTS };
	*result = fw;
	err = device_attach(&fw->device, vm, &port_ops, fw);
	err = err ?: fw_cfg_set(fw, FW_CFG_SIGNATURE, "QEMU", 4);
	err = err ?: fw_cfg_set_u32(fw, FW_CFG_ID, ID_PORTS | ID_DMA);
	return err ?: write_directory(fw);
}
