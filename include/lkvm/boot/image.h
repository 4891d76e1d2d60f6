/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernels with the 64-byte header of arm64 and riscv64 ("Image": Documentation/arch/arm64/booting.rst,
 * Documentation/arch/riscv/boot-image-header.rst in Linux), as they are, compressed as a whole, or
 * in an EFI zboot image; and programs without any header. Main thread.
 */
#ifndef LKVM_BOOT_IMAGE_H
#define LKVM_BOOT_IMAGE_H

#include "lkvm/boot/file.h"
#include "lkvm/memory/memory.h"

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
};

/*
 * What is in the file, which must stay open. A compressed one's first bytes are unpacked for it. A file
 * that is something else (boot_image_kind), is for another architecture, is damaged or truncated,
 * or is compressed in a way this lkvm cannot unpack is refused. Logs and returns -errno on failure.
 */
int image_open(struct kernel_image *image, const struct boot_file *file,
	       const struct image_arch *arch);
/*
 * Puts it at `gpa` (base + text_offset). All of [gpa, gpa + capacity) must be one piece of RAM, nothing
 * behind the last page of what it really has is touched, and one that unpacks to more than `capacity`
 * is refused. Logs and returns -errno on failure.
 */
int image_load(const struct kernel_image *image, const struct guest_memory *memory, gpa_t gpa,
	       u64 capacity);

#endif
