/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF files as kernels. */
#ifndef LKVM_BOOT_ELF_H
#define LKVM_BOOT_ELF_H

#include "lkvm/boot/file.h"
#include "lkvm/memory/memory.h"

/* An ELF file that is open and checked: everything in it is bounded before use. */
struct elf_image {
	const struct boot_file *file;
	bool is_64;
	u16 machine; /* EM_X86_64 ... */
	u64 entry;
	u64 pvh_entry;	 /* 0: no XEN_ELFNOTE_PHYS32_ENTRY */
	gpa_t low, high; /* physical extent of all PT_LOAD segments */
	unsigned nr_segments;
	struct elf_segment {
		u64 offset, file_size, memory_size;
		gpa_t gpa;
		u64 vaddr;
	} segments[16];
};

/* -ENOEXEC: not ELF at all (not logged). Other errors have been logged. */
int elf_open(struct elf_image *image, const struct boot_file *file);
/*
 * Segments into guest memory, which must be zero before (as it is for arch_load): what a segment's
 * memory_size exceeds its file_size by is not touched, so that a large .bss costs nothing. Logs and
 * returns -errno on failure.
 */
int elf_load(const struct elf_image *image, const struct guest_memory *memory);

#endif
