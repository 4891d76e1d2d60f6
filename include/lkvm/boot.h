/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel images, initial RAM disks and the command line: what is common to the architectures' boot
 * protocols. Files stay open so that a reboot loads the same bytes again, even if a new kernel was
 * installed under the name.
 */
#ifndef LKVM_BOOT_H
#define LKVM_BOOT_H

#include "lkvm/memory.h"

struct boot_file {
	const char *path;
	int fd;
	u64 size; /* bytes */
};

/*
 * Opens a regular file for reading. Says "Unable to open kernel FILE" (`what` is "kernel", "initrd")
 * with the reason (also: is a directory, is empty) and returns -errno.
 */
int boot_file_open(struct boot_file *file, const char *what, const char *path);
void boot_file_close(struct boot_file *file);

/*
 * All initrds, concatenated with each but the last padded to 4 bytes, at `gpa`. boot_initrd_size
 * tells the total in bytes.
 */
u64 boot_initrd_size(const struct boot_file *files, unsigned nr);
int boot_initrd_load(const struct guest_memory *memory, gpa_t gpa, const struct boot_file *files,
		     unsigned nr);

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

/* -ENOEXEC: not ELF at all (nothing said). Other errors have been said. */
int elf_open(struct elf_image *image, const struct boot_file *file);
/* Segments into guest memory; what memory_size exceeds file_size by is zeroed. Said. */
int elf_load(const struct elf_image *image, const struct guest_memory *memory);

/* `buffer` collects words; too long is -E2BIG. A NULL or empty word adds nothing. */
int cmdline_add(char *buffer, size_t size, const char *words);

#endif
