/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed kernels: one struct unpacker a format. Logs nothing here; image.c has the words for these:
 *	-ENODATA   the data ends before the stream does
 *	-EILSEQ    the stream is damaged
 *	-EUCLEAN   something other than zeroes lies behind the stream
 *	-EFBIG     there is more than there is space for
 *	others     as errno tells
 */
#ifndef BOOT_UNPACK_H
#define BOOT_UNPACK_H

#include "lkvm/boot/file.h"

/* A part of a file, inside of it. */
struct unpack_source {
	const struct boot_file *file;
	u64 offset, size; /* bytes */
};

struct unpacker {
	const char *name; /* "gzip" */
	const char *magic;
	size_t magic_len;
	/* The first `size` bytes, or fewer if there are no more; how many, or an error. */
	ssize_t (*head)(const struct unpack_source *source, u8 *to, size_t size);
	/* Everything; *size is how much. Less than 512 KiB behind it in `to` may change as well. */
	int (*unpack)(const struct unpack_source *source, u8 *to, u64 capacity, u64 *size);
	/* What the format itself says of the unpacked size; 0: nothing. */
	u64 (*size)(const struct unpack_source *source);
};

extern const struct unpacker gzip_unpacker;
/* zstd-none.c's has no functions. */
extern const struct unpacker zstd_unpacker;

#endif
