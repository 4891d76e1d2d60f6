// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "board.h"
#include "lkvm/boot/cmdline.h"
#include "lkvm/boot/initrd.h"
#include "lkvm/boot/zimage.h"
#include "lkvm/devicetree/ram-board.h"
#include "lkvm/memory/populate.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/credential.h"
#include "lkvm/vm/vm.h"

#define KERNEL_ALIGN  MIB(2)
#define DTB_ALIGN     MIB(2) /* it may be mapped by one entry of that size */
#define INITRD_ALIGN  KIB(64)
#define LOW_END	      MIB(256)
#define RNG_SEED_SIZE 32

struct layout {
	gpa_t kernel; /* the image's first byte */
	u64 capacity; /* bytes from there that are its own */
	gpa_t dtb;
	gpa_t initrd;
	u64 initrd_size; /* 0: none */
};

/* ---- files ---- */

int ram_boot_check_config(const struct vm_config *config)
{
	if (config->memory_address && config->memory_address < BOARD_RAM) {
		log_fatal(
			"--mem: memory at 0x%llx would lie where devices are; 0x%llx is the lowest "
			"address for it",
			(unsigned long long)config->memory_address, BOARD_RAM);
		return -EINVAL;
	}
	return 0;
}

int ram_boot_check_bits(const struct vm_config *config, unsigned bits)
{
	u64 base = ram_board_base(config), end = base + config->memory;

	if (end >= base && end <= BIT(bits))
		return 0;
	log_fatal(
		"--mem: %llu MiB of memory at 0x%llx do not fit: guests on this host have addresses "
		"of %u bits",
		(unsigned long long)config->memory >> 20, (unsigned long long)base, bits);
	return -E2BIG;
}

static int open_dump(struct ram_boot *boot, const char *path)
{
	int err;

	if (!path)
		return 0;
	boot->dump = fopen(path, "we");
	if (boot->dump)
		return 0;
	err = -errno;
	log_fatal("--dump-dtb %s: %s", path, strerror(-err));
	return err;
}

int ram_boot_open(struct ram_boot *boot, const struct vm_config *config)
{
	int err = boot_file_open(&boot->kernel_file, config->firmware ? "firmware" : "kernel",
				 config->firmware ?: config->kernel, config->memory);

	board_describe_boot(config, boot);
	if (!err && !config->firmware)
		err = boot->arch ? image_open(&boot->kernel, &boot->kernel_file, boot->arch)
				 : zimage_open(&boot->kernel, &boot->kernel_file);
	for (unsigned i = 0; i < config->nr_initrds && !err; i++)
		err = boot_file_open(&boot->initrds[boot->nr_initrds++], "initrd",
				     config->initrds[i], config->memory);
	return err ?: open_dump(boot, config->arch.dump_dtb);
}

void ram_boot_close(struct ram_boot *boot)
{
	if (boot->dump)
		fclose(boot->dump);
	boot_file_close(&boot->kernel_file);
	for (unsigned i = 0; i < boot->nr_initrds; i++)
		boot_file_close(&boot->initrds[i]);
}

/* ---- places ---- */

static int too_large(const struct vm_config *config, const char *what, u64 size)
{
	log_fatal("%s of %llu KiB does not fit into %llu MiB of memory; give the guest more with "
		  "--mem",
		  what, (unsigned long long)(size + 1023) >> 10,
		  (unsigned long long)config->memory >> 20);
	return -E2BIG;
}

/* From the end of the first part of RAM downwards. */
static bool lay_out_high(struct layout *l, gpa_t kernel_end, gpa_t end)
{
	gpa_t dtb = ALIGN_DOWN(end - MIN(end, FDT_TREE_MAX), DTB_ALIGN);
	gpa_t initrd = ALIGN_DOWN(dtb - MIN(dtb, l->initrd_size), INITRD_ALIGN);

	if (initrd < kernel_end)
		return false;
	l->dtb = dtb;
	l->initrd = initrd;
	l->capacity = initrd - l->kernel;
	return true;
}

static bool lay_out_behind(struct layout *l, gpa_t kernel_end, gpa_t end)
{
	l->dtb = ALIGN_UP(kernel_end, DTB_ALIGN);
	l->initrd = l->dtb + FDT_TREE_MAX;
	l->capacity = l->dtb - l->kernel;
	return l->initrd <= end && l->initrd_size <= end - l->initrd;
}

/* A firmware's size in memory is unknown, so the tree is as far from it as possible. */
static int lay_out_firmware(const struct ram_boot *boot, const struct vm_config *config,
			    struct layout *l)
{
	gpa_t ram = ram_board_base(config), end = ram + config->memory;
	gpa_t at = boot->firmware ?: ram;

	*l = (struct layout){ .kernel = at, .capacity = boot->kernel_file.size };
	if (at < ram || at > end || l->capacity > end - at) {
		log_fatal(
			"--firmware %s: %llu KiB at 0x%llx are not in the guest's memory, which is "
			"%llu MiB at 0x%llx",
			config->firmware, (unsigned long long)l->capacity >> 10,
			(unsigned long long)at, (unsigned long long)config->memory >> 20,
			(unsigned long long)ram);
		return -E2BIG;
	}
	if (lay_out_high(l, at + boot->kernel_file.size, MIN(end, ram + LOW_END)) ||
	    lay_out_high(l, at + boot->kernel_file.size, end))
		return 0;
	return too_large(config, "The device tree", FDT_TREE_MAX);
}

static int lay_out(const struct ram_boot *boot, const struct vm_config *config, struct layout *l)
{
	const struct kernel_image *kernel = &boot->kernel;
	gpa_t ram = ram_board_base(config), end = ram + config->memory;
	gpa_t base = ALIGN_UP(ram, KERNEL_ALIGN);
	/* Of one that does not tell its size there is at least what the file has. */
	u64 size = kernel->size ?: kernel->payload_size;

	if (config->firmware)
		return lay_out_firmware(boot, config, l);
	l->initrd_size = boot_initrd_size(boot->initrds, boot->nr_initrds);
	if (base > end || kernel->text_offset > end - base ||
	    size > end - base - kernel->text_offset)
		return too_large(config, "The kernel", size);
	l->kernel = base + kernel->text_offset;
	if (lay_out_high(l, l->kernel + size, MIN(end, ram + LOW_END)) ||
	    lay_out_behind(l, l->kernel + size, end))
		return 0;
	return too_large(config, l->initrd_size ? "The initrd" : "The device tree",
			 l->initrd_size ?: FDT_TREE_MAX);
}

/* Neither what ends a word for the kernel nor what systemd takes quotes and escapes for. */
static bool is_plain(const struct credential *credential)
{
	return credential->is_text && !strpbrk(credential->value, " \"'\\");
}

/* The guest has no SMBIOS table to see: Linux looks for one in memory on x86 only, elsewhere it has it from EFI. */
static int add_credentials(const struct vm *vm, char cmdline[BOARD_CMDLINE_MAX])
{
	int err = 0;

	for (const struct credential *c = vm->credentials; c && !err; c = c->next) {
		char *words = credential_words(c, is_plain(c), "systemd.set_credential=",
					       "systemd.set_credential_binary=", ':');

		err = words ? cmdline_add(cmdline, BOARD_CMDLINE_MAX, words) : -ENOMEM;
		if (err == -E2BIG)
			log_fatal(
				"--credential %s: its %zu bytes become %zu characters of the kernel's command line, which has "
				"space for %zu more of its %u; a shorter value would work",
				c->name, c->size, strlen(words),
				BOARD_CMDLINE_MAX - 1 - strlen(cmdline), BOARD_CMDLINE_MAX - 1);
		free(words);
	}
	return err;
}

static int make_cmdline(const struct vm *vm, char cmdline[BOARD_CMDLINE_MAX])
{
	const struct vm_config *config = vm->config;
	int err = config->nodefaults ? 0 : cmdline_add_defaults(cmdline, BOARD_CMDLINE_MAX, config);
	int credentials = add_credentials(vm, cmdline);

	if (credentials)
		return credentials;

	err = err ?: cmdline_add_given(cmdline, BOARD_CMDLINE_MAX, config);
	if (err)
		log_fatal("The kernel command line is longer than %u characters",
			  BOARD_CMDLINE_MAX - 1);
	return err;
}

int ram_boot_add_memory(const struct ram_boot *boot, struct vm *vm)
{
	char cmdline[BOARD_CMDLINE_MAX] = "";
	struct layout l;
	int err = make_cmdline(vm, cmdline);

	err = err ?: lay_out(boot, vm->config, &l);
	if (!err)
		err = guest_memory_add_ram(&vm->memory, ram_board_base(vm->config),
					   vm->config->memory);
	return err;
}

/* ---- the device tree ---- */

static void random_property(struct fdt_tree *tree, const char *name, size_t size)
{
	u8 seed[RNG_SEED_SIZE];

	if (getrandom(seed, size, GRND_NONBLOCK) == (ssize_t)size)
		fdt_bytes_of(tree, name, seed, size);
}

/* What the kernel is told by its loader. */
static void add_chosen(struct fdt_tree *tree, const struct ram_boot *boot, const char *cmdline,
		       gpa_t initrd, u64 initrd_size)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/serial@%llx", BOARD_BUS, BOARD_SERIAL);
	fdt_node(tree, "chosen");
	fdt_text(tree, "bootargs", cmdline);
	fdt_text(tree, "stdout-path", path);
	if (initrd_size) {
		fdt_u64(tree, "linux,initrd-start", initrd);
		fdt_u64(tree, "linux,initrd-end", initrd + initrd_size);
	}
	/* One for where the kernel goes, one for its random numbers. */
	if (boot->kaslr_seed)
		fdt_u64(tree, "kaslr-seed", *boot->kaslr_seed);
	else
		random_property(tree, "kaslr-seed", sizeof(u64));
	random_property(tree, "rng-seed", RNG_SEED_SIZE);
	fdt_node_end(tree);
}

int ram_boot_tree(const struct ram_boot *boot, struct vm *vm, struct fdt_tree *tree,
		  const char *cmdline, gpa_t initrd, u64 initrd_size)
{
	if (fdt_begin(tree))
		return -ENOMEM;
	fdt_text(tree, "compatible", "linux,dummy-virt");
	fdt_text(tree, "model", "linux,dummy-virt");
	fdt_u32(tree, "#address-cells", 2);
	fdt_u32(tree, "#size-cells", 2);
	/* A bus for devices has it itself. */
	if (!*BOARD_BUS)
		fdt_u32(tree, "interrupt-parent", BOARD_PHANDLE_IRQCHIP);
	add_chosen(tree, boot, cmdline, initrd, initrd_size);
	fdt_memory(tree, &vm->memory);
	board_add_nodes(tree, vm);
	return fdt_end(tree);
}

/* ---- guest memory ---- */

static int load_dtb(struct ram_boot *boot, struct vm *vm, const struct layout *l,
		    const char *cmdline)
{
	struct fdt_tree tree;
	int err = ram_boot_tree(boot, vm, &tree, cmdline, l->initrd, l->initrd_size);

	err = err ?: guest_memory_populate(&vm->memory, l->dtb, tree.blob, fdt_bytes(&tree));
	if (!err && boot->dump) {
		err = fdt_dump(&tree, boot->dump, vm->config->arch.dump_dtb);
		fclose(boot->dump);
		boot->dump = NULL;
	}
	fdt_free(&tree);
	return err;
}

static int load_code(const struct ram_boot *boot, struct vm *vm, const struct layout *l)
{
	const struct boot_file *file = &boot->kernel_file;
	int err;

	if (!vm->config->firmware)
		return image_load(&boot->kernel, &vm->memory, l->kernel, l->capacity);
	err = guest_memory_populate_file(&vm->memory, l->kernel, file->fd, 0, file->size, false);
	if (err)
		log_fatal("Unable to load firmware %s: %s", file->path,
			  err == -ENODATA ? "it became shorter" : strerror(-err));
	return err;
}

static void drop_copies(struct ram_boot *boot)
{
	boot_file_drop_copy(&boot->kernel_file);
	for (unsigned i = 0; i < boot->nr_initrds; i++)
		boot_file_drop_copy(&boot->initrds[i]);
}

int ram_boot_load(struct ram_boot *boot, struct vm *vm)
{
	char cmdline[BOARD_CMDLINE_MAX] = "";
	struct layout l;
	int err = make_cmdline(vm, cmdline);

	err = err ?: lay_out(boot, vm->config, &l);
	err = err ?: load_code(boot, vm, &l);
	err = err ?: boot_initrd_load(&vm->memory, l.initrd, boot->initrds, boot->nr_initrds);
	err = err ?: load_dtb(boot, vm, &l, cmdline);
	if (err)
		return err;
	if (!vm->config->reboot)
		drop_copies(boot);
	boot->entry = l.kernel;
	boot->dtb = l.dtb;
	return 0;
}
