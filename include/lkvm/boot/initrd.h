/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Initial RAM disks. */
#ifndef LKVM_BOOT_INITRD_H
#define LKVM_BOOT_INITRD_H

#include "lkvm/boot/file.h"
#include "lkvm/memory/memory.h"

/*
 * All initrds, concatenated with each but the last padded to 4 bytes, at `gpa`. boot_initrd_size
 * tells the total in bytes.
 */
u64 boot_initrd_size(const struct boot_file *files, unsigned nr);
int boot_initrd_load(const struct guest_memory *memory, gpa_t gpa, const struct boot_file *files,
		     unsigned nr);

#endif
