/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Booting as arm64 and riscv64 do: a kernel at the beginning of RAM, and beside it a device tree and an
 * initrd. The architecture says where RAM is and what its kernels and its tree look like; the rest is the
 * same for both. Main thread.
 *
 * The kernel is at the beginning of RAM. Tree and initrd lie at the end of RAM's first 256 MiB, where
 * programs without a header, whose own size nobody knows, have the most space below them; if they do not
 * fit there, right behind the kernel.
 */
#ifndef LKVM_DEVICETREE_RAM_BOOT_H
#define LKVM_DEVICETREE_RAM_BOOT_H

#include "lkvm/boot/fdt.h"
#include "lkvm/boot/file.h"
#include "lkvm/boot/image.h"
#include "lkvm/config/config.h"

struct vm;

struct ram_boot {
	/* board_describe_boot() fills in what the architecture has to say. */
	const struct image_arch *arch; /* what its kernels look like; NULL: 32-bit ARM's zImage */
	gpa_t firmware;		       /* where a firmware goes; 0: at RAM's first byte */
	const u64 *kaslr_seed;	       /* for where the kernel goes; NULL: a random one */

	/* ram_boot_open() fills in what is in the files. */
	struct boot_file kernel_file; /* or the firmware's */
	struct kernel_image kernel;   /* not of a firmware */
	struct boot_file initrds[CONFIG_MAX_INITRDS];
	unsigned nr_initrds;
	FILE *dump; /* --dump-dtb, until it is written; NULL: none */

	/* ram_boot_load(): where the first vCPU begins, and the tree it is told of. */
	gpa_t entry, dtb;
};

/* For arch_config_check(): is RAM where it can be, of whole pages? Logs and returns -EINVAL on failure. */
int ram_boot_check_config(const struct vm_config *config);

/* For arch_vm_type(): does RAM fit into guest addresses of so many bits? Logs and returns -E2BIG on failure. */
int ram_boot_check_bits(const struct vm_config *config, unsigned bits);

/* Opens config's files; logs what is wrong with them. ram_boot_close() also after an error. */
int ram_boot_open(struct ram_boot *boot, const struct vm_config *config);
void ram_boot_close(struct ram_boot *boot);

/*
 * RAM, all of it in one piece, once it is known that ram_boot_load() finds space in it for everything: a guest that
 * cannot be started leaves no trace. Logs and returns -errno on failure.
 */
int ram_boot_add_memory(const struct ram_boot *boot, struct vm *vm);

/* The whole tree. initrd_size 0: none. fdt_free(tree) in any case. Logs and returns -errno on failure. */
int ram_boot_tree(const struct ram_boot *boot, struct vm *vm, struct fdt_tree *tree,
		  const char *cmdline, gpa_t initrd, u64 initrd_size);

/* For arch_load(): everything into guest memory. Logs and returns -errno on failure. */
int ram_boot_load(struct ram_boot *boot, struct vm *vm);

#endif
