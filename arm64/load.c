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
	gpa_t kernel; /* multiple of 2 MiB; the image is at + text_offset */
	gpa_t dtb;
	gpa_t initrd;
	u64 initrd_size; /* 0: none */
};

static int too_large(struct vm *vm, const char *what, u64 size)
{
	log_fatal(
		"%s of %llu KiB does not fit into %llu MiB of memory; give the guest more with -m",
		what, (unsigned long long)(size + 1023) >> 10,
		(unsigned long long)vm->config->memory >> 20);
	return -E2BIG;
}

/* From the end of the first part of RAM downwards. */
static bool lay_out_high(struct layout *l, gpa_t kernel_end, gpa_t end)
{
	gpa_t dtb = ALIGN_DOWN(end - FDT_TREE_MAX, DTB_ALIGN);
	gpa_t initrd = ALIGN_DOWN(dtb - MIN(dtb, l->initrd_size), INITRD_ALIGN);

	if (end < FDT_TREE_MAX || initrd < kernel_end)
		return false;
	l->dtb = dtb;
	l->initrd = initrd;
	return true;
}

static bool lay_out_behind(struct layout *l, gpa_t kernel_end, gpa_t end)
{
	l->dtb = ALIGN_UP(kernel_end, DTB_ALIGN);
	l->initrd = l->dtb + FDT_TREE_MAX;
	return l->initrd <= end && l->initrd_size <= end - l->initrd;
}

static int lay_out(struct vm *vm, struct layout *l)
{
	struct arm64_vm *arm64 = vm->arch.arm64;
	gpa_t end = arm64->ram + vm->config->memory, kernel_end;

	l->kernel = ALIGN_UP(arm64->ram, KERNEL_ALIGN);
	l->initrd_size = boot_initrd_size(arm64->initrds, arm64->nr_initrds);
	if (l->kernel > end || arm64->kernel.text_offset > end - l->kernel ||
	    arm64->kernel.size > end - l->kernel - arm64->kernel.text_offset)
		return too_large(vm, "The kernel", arm64->kernel.size);
	kernel_end = l->kernel + arm64->kernel.text_offset + arm64->kernel.size;
	if (lay_out_high(l, kernel_end, MIN(end, arm64->ram + LOW_END)) ||
	    lay_out_behind(l, kernel_end, end))
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

int arch_load(struct vm *vm)
{
	struct arm64_vm *arm64 = vm->arch.arm64;
	char cmdline[CMDLINE_MAX] = "";
	struct layout l;
	int error = make_cmdline(vm, cmdline, sizeof(cmdline));

	if (!error)
		error = lay_out(vm, &l);
	if (!error)
		error = arm64_kernel_load(&arm64->kernel, &vm->memory, l.kernel);
	if (!error)
		error = boot_initrd_load(&vm->memory, l.initrd, arm64->initrds, arm64->nr_initrds);
	if (!error)
		error = load_dtb(vm, &l, cmdline);
	if (error)
		return error;
	arm64->entry = (struct arm64_entry){
		.pc = l.kernel + arm64->kernel.text_offset,
		.dtb = l.dtb,
	};
	return 0;
}
