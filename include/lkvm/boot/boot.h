/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel images, initial RAM disks and the command line: what is common to the architectures' boot
 * protocols. Files stay open so that a reboot loads the same bytes again, even if a new kernel was
 * installed under the name.
 */
#ifndef LKVM_BOOT_BOOT_H
#define LKVM_BOOT_BOOT_H

#include "lkvm/memory/memory.h"

struct vm_config;

struct boot_file {
	const char *path;
	int fd;
	u64 size;  /* bytes */
	bool copy; /* of what came out of a pipe, in memory */
};

/*
 * Opens a regular file for reading, or reads a pipe, FIFO or socket to its end, at most `most` bytes, which
 * takes as long as its writer does: call it while signals still end the process. Where the file is standard
 * input, that becomes /dev/null. Logs "Unable to open kernel FILE" (`what` is "kernel", "initrd") with
 * the reason (also: is a directory, is empty) and returns -errno.
 */
int boot_file_open(struct boot_file *file, const char *what, const char *path, u64 most);
/* It is not read again: gives the memory of a copy back. */
void boot_file_drop_copy(struct boot_file *file);
/* Also right for one that is all zero. */
void boot_file_close(struct boot_file *file);
/* Up to `size` bytes from `offset`; less only at the file's end. Bytes read or -errno. */
ssize_t boot_file_read(const struct boot_file *file, u64 offset, void *buffer, size_t size);

/*
 * Which release of Linux a kernel's file has in it, "6.12.0-rc1", as far as it tells without being unpacked: a bzImage's
 * header does, and the words "Linux version" in a vmlinux or Image. False, and "": unknown. `release` has
 * room for `size` bytes, printable characters without blanks. Reads up to 64 MiB.
 */
bool boot_file_release(const struct boot_file *file, char *release, size_t size);

/*
 * What a file that is no kernel for this machine looks like, for the message: "an arm64 Image"; NULL
 * when its first `size` bytes tell nothing. 0x210 bytes are enough for all.
 */
const char *boot_image_kind(const void *head, size_t size);
/* "arm64"; never NULL. */
const char *elf_machine_name(u16 machine);

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
/*
 * Segments into guest memory, which must be zero before (as it is for arch_load): what a segment's
 * memory_size exceeds its file_size by is not touched, so that a large .bss costs nothing. Said.
 */
int elf_load(const struct elf_image *image, const struct guest_memory *memory);

/*
 * Kernels with the 64-byte header of arm64 and riscv64 ("Image": Documentation/arch/arm64/booting.rst,
 * Documentation/arch/riscv/boot-image-header.rst in Linux), as they are, compressed as a whole, or
 * in an EFI zboot image; and programs without any header. Main thread.
 */
struct image_arch {
	const char *name;  /* "arm64" */
	const char *magic; /* 4 bytes of the header */
	u16 pe_machine;	   /* IMAGE_FILE_MACHINE_... */
	u64 raw_offset;	   /* text_offset where no header tells one, bytes */
	bool needs_size;   /* an image_size of 0 is an error, not an old kernel */
	const char *path;  /* where a kernel's build leaves it, for messages */
};

extern const struct image_arch image_arm64, image_riscv64;

struct unpacker;

struct kernel_image {
	const struct boot_file *file;
	const struct unpacker *unpacker; /* NULL: not compressed */
	u64 payload, payload_size;	 /* the part of the file that counts, bytes */
	bool zboot;
	bool has_header; /* the rest is only a guess without */
	u64 text_offset; /* where its first byte goes, from a base that is a multiple of 2 MiB; bytes */
	/*
	 * Bytes from its first one that nothing else may use: .bss included, and not less than the file
	 * has. 0: nobody knows before it is unpacked.
	 */
	u64 size;
	u64 flags; /* the header's, as they are */
	bool big_endian;
	bool anywhere;	    /* arm64: RAM below it is not lost to it */
	unsigned page_size; /* arm64: KiB; 0: it does not tell */
};

/*
 * What is in the file, which must stay open. A compressed one's first bytes are unpacked for it. A file
 * that is something else (boot_image_kind), is for another architecture, is damaged or truncated,
 * or is compressed in a way this lkvm cannot unpack is refused. 0 or -errno, said.
 */
int image_open(struct kernel_image *image, const struct boot_file *file,
	       const struct image_arch *arch);
/*
 * Puts it at `gpa` (base + text_offset). All of [gpa, gpa + room) must be one piece of RAM, nothing
 * behind the last page of what it really has is touched, and one that unpacks to more than `room` is refused. 0 or
 * -errno, said.
 */
int image_load(const struct kernel_image *image, const struct guest_memory *memory, gpa_t gpa,
	       u64 room);
/*
 * The same for 32-bit ARM: a zImage (Documentation/arch/arm/booting.rst in Linux), which unpacks itself where
 * it runs, or a program without any header. 0 or -errno, said.
 */
int zimage_open(struct kernel_image *image, const struct boot_file *file);
/* Was libzstd there at build time? */
bool boot_zstd_available(void);

/* `buffer` collects words; too long is -E2BIG. A NULL or empty word adds nothing. */
int cmdline_add(char *buffer, size_t size, const char *words);

/* For arch_cmdline(): where the console is, and that a panic is to end the guest. 0 or -E2BIG. */
int cmdline_add_defaults(char *buffer, size_t size, const struct vm_config *config);

#endif
