/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Booting as arm64 and riscv64 do: a kernel at the beginning of RAM, and beside it a device tree and an
 * initrd. The architecture says where RAM is and what its kernels and its tree look like; the rest is the
 * same for both. Main thread.
 *
 * The kernel is at the beginning of RAM. Tree and initrd lie at the end of RAM's first 256 MiB, where
 * programs without a header, whose own size nobody knows, have the most room below them; if they do not
 * fit there, right behind the kernel.
 */
#ifndef LKVM_BOOT_RAM_BOOT_H
#define LKVM_BOOT_RAM_BOOT_H

#include "lkvm/boot/fdt.h"
#include "lkvm/boot/file.h"
#include "lkvm/boot/image.h"
#include "lkvm/config/config.h"

struct vm;

struct ram_boot {
	/* The architecture's, before the first of these is called. */
	gpa_t ram;	    /* RAM's first byte; its size is config->memory */
	gpa_t firmware;	    /* where a firmware goes; 0: at RAM's first byte */
	size_t cmdline_max; /* what its kernels take of a command line, bytes with the 0 */
	const struct image_arch *arch; /* what its kernels look like; NULL: 32-bit ARM's zImage */
	const char *dump_dtb;	       /* file that gets the first tree; NULL: none */
	const char *bus;       /* the tree's node that devices are in, its path; "": the root */
	gpa_t console;	       /* the serial port's address, for its node's name */
	u32 interrupt_parent;  /* the root's phandle for it; 0: none */
	const u64 *kaslr_seed; /* for where the kernel goes; NULL: a random one */
	/* Adds CPUs, interrupt controller, devices to the tree: all but the root's properties, memory, /chosen. */
	void (*add_nodes)(struct fdt_tree *tree, struct vm *vm);

	/* ram_boot_open() fills in what is in the files. */
	struct boot_file kernel_file; /* or the firmware's */
	struct kernel_image kernel;   /* not of a firmware */
	struct boot_file initrds[CONFIG_MAX_INITRDS];
	unsigned nr_initrds;
	FILE *dump; /* dump_dtb, until it is written */

	/* ram_boot_load(): where the first vCPU begins, and the tree it is told of. */
	gpa_t entry, dtb;
};

/*
 * For arch_config_check(): is RAM where it can be, of whole pages? `lowest` is a gpa. Logs and
 * returns -EINVAL on failure.
 */
int ram_boot_check_config(const struct vm_config *config, gpa_t lowest);

/*
 * For arch_vm_type(): does RAM at `base` fit into guest addresses of so many bits? Logs and returns
 * -E2BIG on failure.
 */
int ram_boot_check_bits(const struct vm_config *config, gpa_t base, unsigned bits);

/* Opens config's files; logs what is wrong with them. ram_boot_close() also after an error. */
int ram_boot_open(struct ram_boot *boot, const struct vm_config *config);
void ram_boot_close(struct ram_boot *boot);

/* RAM, all of it in one piece. Logs and returns -errno on failure. */
int ram_boot_add_memory(const struct ram_boot *boot, struct vm *vm);

/*
 * Would ram_boot_load() find space for everything? Needs no device: asked before there are any, so that a
 * guest that cannot be started leaves no trace. Logs and returns -errno on failure.
 */
int ram_boot_check(const struct ram_boot *boot, const struct vm_config *config);

/* The whole tree. initrd_size 0: none. fdt_free(tree) in any case. Logs and returns -errno on failure. */
int ram_boot_tree(const struct ram_boot *boot, struct vm *vm, struct fdt_tree *tree,
		  const char *cmdline, gpa_t initrd, u64 initrd_size);

/* For arch_load(): everything into guest memory. Logs and returns -errno on failure. */
int ram_boot_load(struct ram_boot *boot, struct vm *vm);

#endif
