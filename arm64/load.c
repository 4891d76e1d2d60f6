// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is in guest memory when vCPU 0 begins: kernel, device tree, initrd.
 *
 * The kernel is at the beginning of RAM. Tree and initrd lie at the end of RAM's first 256 MiB, where
 * programs without a header, whose own size nobody knows, have the most room below them; if they do not
 * fit there, right behind the kernel.
 */
#include <errno.h>
#include <string.h>

#include "arm64-vm.h"
#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/log.h"

#define CMDLINE_MAX  2048 /* COMMAND_LINE_SIZE of arm64 kernels */
#define KERNEL_ALIGN MIB(2)
#define DTB_ALIGN    MIB(2) /* it may be mapped by one entry of that size */
#define INITRD_ALIGN KIB(64)
#define LOW_END	     MIB(256)

struct layout {
	gpa_t kernel; /* the image's first byte */
	u64 room;     /* bytes from there that are its own */
	gpa_t dtb;
	gpa_t initrd;
	u64 initrd_size; /* 0: none */
};

static int too_large(struct vm *vm, const char *what, u64 size)
{
	log_fatal("%s of %llu KiB does not fit into %llu MiB of memory; give the guest more with "
		  "-m",
		  what, (unsigned long long)(size + 1023) >> 10,
		  (unsigned long long)vm->config->memory >> 20);
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
	l->room = initrd - l->kernel;
	return true;
}

static bool lay_out_behind(struct layout *l, gpa_t kernel_end, gpa_t end)
{
	l->dtb = ALIGN_UP(kernel_end, DTB_ALIGN);
	l->initrd = l->dtb + FDT_TREE_MAX;
	l->room = l->dtb - l->kernel;
	return l->initrd <= end && l->initrd_size <= end - l->initrd;
}

/* A firmware's own size in memory nobody tells; the tree is as far from it as it goes. */
static int lay_out_firmware(struct vm *vm, struct layout *l)
{
	struct arm64_vm *arm64 = vm->arch.arm64;
	gpa_t at = vm->config->arch.firmware_address ?: arm64->ram;
	gpa_t end = arm64->ram + vm->config->memory;

	*l = (struct layout){ .kernel = at, .room = arm64->kernel_file.size };
	if (at < arm64->ram || at > end || l->room > end - at) {
		log_fatal(
			"--firmware %s: %llu KiB at 0x%llx are not in the guest's memory, which is "
			"%llu MiB at 0x%llx",
			vm->config->firmware, (unsigned long long)l->room >> 10,
			(unsigned long long)at, (unsigned long long)vm->config->memory >> 20,
			(unsigned long long)arm64->ram);
		return -E2BIG;
	}
	if (lay_out_high(l, at + arm64->kernel_file.size, MIN(end, arm64->ram + LOW_END)) ||
	    lay_out_high(l, at + arm64->kernel_file.size, end))
		return 0;
	return too_large(vm, "The device tree", FDT_TREE_MAX);
}

static int lay_out(struct vm *vm, struct layout *l)
{
	struct arm64_vm *arm64 = vm->arch.arm64;
	const struct kernel_image *kernel = &arm64->kernel;
	gpa_t base = ALIGN_UP(arm64->ram, KERNEL_ALIGN), end = arm64->ram + vm->config->memory;
	/* Of one that does not tell its size there is at least what the file has. */
	u64 size = kernel->size ?: kernel->payload_size;

	if (vm->config->firmware)
		return lay_out_firmware(vm, l);
	l->initrd_size = boot_initrd_size(arm64->initrds, arm64->nr_initrds);
	if (base > end || kernel->text_offset > end - base ||
	    size > end - base - kernel->text_offset)
		return too_large(vm, "The kernel", size);
	l->kernel = base + kernel->text_offset;
	if (lay_out_high(l, l->kernel + size, MIN(end, arm64->ram + LOW_END)) ||
	    lay_out_behind(l, l->kernel + size, end))
		return 0;
	return too_large(vm, l->initrd_size ? "The initrd" : "The device tree",
			 l->initrd_size ?: FDT_TREE_MAX);
}

static int make_cmdline(struct vm *vm, char *cmdline, size_t size)
{
	int error = vm->config->nodefaults ? 0 : arch_cmdline(vm->config, cmdline, size);

	/* What the user gave comes last: of two equal parameters Linux takes the later one. */
	if (!error)
		error = cmdline_add(cmdline, size, vm->config->cmdline);
	if (error)
		log_fatal("The kernel command line is longer than %zu characters", size - 1);
	return error;
}

int arm64_check_load(struct vm *vm)
{
	char cmdline[CMDLINE_MAX] = "";
	struct layout l;
	int error = make_cmdline(vm, cmdline, sizeof(cmdline));

	return error ?: lay_out(vm, &l);
}

static int load_dtb(struct vm *vm, const struct layout *l, const char *cmdline)
{
	const char *dump = vm->config->arch.dump_dtb;
	struct fdt_tree tree;
	int error = arm64_build_dtb(vm, &tree, cmdline, l->initrd, l->initrd_size);

	if (!error)
		error = guest_write(&vm->memory, l->dtb, tree.blob, fdt_bytes(&tree));
	if (!error && dump && !vm->arch.arm64->used)
		error = fdt_dump(&tree, dump);
	fdt_free(&tree);
	return error;
}

static int load_code(struct vm *vm, const struct layout *l)
{
	struct arm64_vm *arm64 = vm->arch.arm64;
	const struct boot_file *file = &arm64->kernel_file;
	int error;

	if (!vm->config->firmware)
		return image_load(&arm64->kernel, &vm->memory, l->kernel, l->room);
	error = guest_read_file(&vm->memory, l->kernel, file->fd, 0, file->size);
	if (error)
		log_fatal("Unable to load firmware %s: %s", file->path,
			  error == -ENODATA ? "it became shorter" : strerror(-error));
	return error;
}

int arch_load(struct vm *vm)
{
	struct arm64_vm *arm64 = vm->arch.arm64;
	char cmdline[CMDLINE_MAX] = "";
	struct layout l;
	int error = make_cmdline(vm, cmdline, sizeof(cmdline));

	if (!error)
		error = lay_out(vm, &l);
	if (!error)
		error = load_code(vm, &l);
	if (!error)
		error = boot_initrd_load(&vm->memory, l.initrd, arm64->initrds, arm64->nr_initrds);
	if (!error)
		error = load_dtb(vm, &l, cmdline);
	if (error)
		return error;
	arm64->entry = (struct arm64_entry){
		.pc = l.kernel,
		.dtb = l.dtb,
	};
	return 0;
}
