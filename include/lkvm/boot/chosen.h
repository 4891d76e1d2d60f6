/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device tree's /chosen. */
#ifndef LKVM_BOOT_CHOSEN_H
#define LKVM_BOOT_CHOSEN_H

#include "lkvm/boot/fdt.h"

/* What the kernel is told by its loader. Random numbers are the host's. */
struct fdt_chosen {
	const char *cmdline;
	const char *bus; /* path of the node that devices are in; "": the root */
	gpa_t console;	 /* the serial port's address, for its node's name */
	gpa_t initrd;
	u64 initrd_size;       /* 0: none */
	const u64 *kaslr_seed; /* for where the kernel goes; NULL: a random one */
};

void fdt_chosen(struct fdt_tree *tree, const struct fdt_chosen *chosen);

#endif
