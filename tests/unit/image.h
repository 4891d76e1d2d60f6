/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel images made by hand: Image headers, gzip, zstd and EFI zboot around anything. */
#ifndef TEST_IMAGE_H
#define TEST_IMAGE_H

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lkvm/util/types.h"

/* A growing file in memory; bytes_free() when done. */
struct bytes {
	u8 *data;
	size_t size;
};

static inline void bytes_add(struct bytes *b, const void *data, size_t size)
{
	b->data = realloc(b->data, b->size + size + 1);
	if (!b->data)
		abort();
	if (data)
		memcpy(b->data + b->size, data, size);
	else
		memset(b->data + b->size, 0, size);
	b->size += size;
}

static inline void bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){ 0 };
}

static inline void put32(u8 *at, u32 value)
{
	value = htole32(value);
	memcpy(at, &value, 4);
}

static inline void put64(u8 *at, u64 value)
{
	value = htole64(value);
	memcpy(at, &value, 8);
}

/* `size` bytes that are easy to recognise, with a header for "ARM\x64" or "RSC\x05". */
static inline struct bytes make_image(const char *magic, size_t size, u64 text_offset,
				      u64 image_size, u64 flags)
{
	struct bytes b = { 0 };

	bytes_add(&b, NULL, size);
	for (size_t i = 64; i < size; i++)
		b.data[i] = i * 7 + (i >> 8);
	put32(b.data, 0x14000010);
	put64(b.data + 8, text_offset);
	put64(b.data + 16, image_size);
	put64(b.data + 24, flags);
	memcpy(b.data + 0x38, magic, 4);
	return b;
}

static inline struct bytes gzip_bytes(const void *data, size_t size)
{
	size_t room = compressBound(size) + 64;
	struct bytes b = { malloc(room), 0 };
	z_stream z = { .next_in = (u8 *)data, .avail_in = size, .next_out = b.data };

	z.avail_out = room;
	if (!b.data || deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
	    deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	b.size = z.total_out;
	deflateEnd(&z);
	return b;
}

#define ZSTD_BLOCK KIB(64)
#define ZSTD_RAW   0
#define ZSTD_RLE   1

static inline void zstd_block(struct bytes *b, unsigned type, bool last, u32 size)
{
	u32 header = size << 3 | type << 1 | last;

	bytes_add(b, (u8[]){ header, header >> 8, header >> 16 }, 3);
}

/* RFC 8878 without a compressor: raw blocks, then `run` bytes of 0 told by their number. */
static inline struct bytes zstd_bytes(const u8 *data, size_t size, u64 run)
{
	struct bytes b = { 0 };

	/* No checksum, no size, a window of 1 MiB. */
	bytes_add(&b, "\x28\xb5\x2f\xfd\x00\x50", 6);
	while (size) {
		u32 n = MIN(size, (size_t)ZSTD_BLOCK);

		zstd_block(&b, ZSTD_RAW, n == size && !run, n);
		bytes_add(&b, data, n);
		data += n;
		size -= n;
	}
	while (run) {
		u32 n = MIN(run, (u64)ZSTD_BLOCK);

		zstd_block(&b, ZSTD_RLE, n == run, n);
		bytes_add(&b, "", 1);
		run -= n;
	}
	return b;
}

/* `payload` as a vmlinuz.efi for a PE machine, with 4 bytes behind it as Linux's build leaves there. */
static inline struct bytes zboot_bytes(const struct bytes *payload, const char *packing,
				       u16 machine)
{
	struct bytes b = { 0 };

	bytes_add(&b, NULL, 0x1000);
	memcpy(b.data, "MZ\0\0zimg", 8);
	put32(b.data + 8, 0x1000);
	put32(b.data + 12, payload->size);
	strncpy((char *)b.data + 24, packing, 32);
	put32(b.data + 0x38, 0x818223cd);
	put32(b.data + 0x3c, 0x40);
	memcpy(b.data + 0x40, "PE\0\0", 4);
	b.data[0x44] = machine;
	b.data[0x45] = machine >> 8;
	bytes_add(&b, payload->data, payload->size);
	bytes_add(&b, "\x78\x56\x34\x12", 4);
	return b;
}

#endif
