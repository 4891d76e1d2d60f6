// SPDX-License-Identifier: GPL-2.0-or-later
/* gzip (RFC 1952) by zlib. What is unpacked goes where it is wanted; only the packed bytes are buffered. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "unpack.h"

#define GZIP_ONLY (MAX_WBITS + 16)
#define TRAILER	  8 /* CRC-32 and size, 4 bytes each */

struct gunzip {
	const struct unpack_source *source;
	z_stream z;
	u64 read; /* of the source, bytes */
	u8 *to;
	u64 capacity, done; /* bytes */
	u8 spare;	    /* where a byte goes for which there is no space */
	u8 in[KIB(64)];
};

static int zlib_error(int err)
{
	switch (err) {
	case Z_OK:
	case Z_STREAM_END:
	case Z_BUF_ERROR: /* wants more input or output: not an error */
		return 0;
	case Z_MEM_ERROR:
		return -ENOMEM;
	default:
		return -EILSEQ;
	}
}

/* Makes sure that there is input. -ENODATA at its end. */
static int gzip_refill(struct gunzip *g)
{
	u64 left = g->source->size - g->read;
	ssize_t got;

	if (g->z.avail_in)
		return 0;
	got = boot_file_read(g->source->file, g->source->offset + g->read, g->in,
			     MIN(left, (u64)sizeof(g->in)));
	if (got < 0)
		return got;
	if (!got)
		return -ENODATA;
	g->read += got;
	g->z.next_in = g->in;
	g->z.avail_in = got;
	return 0;
}

/* One call of inflate; `end` tells whether the member ended. */
static int gzip_step(struct gunzip *g, bool *end)
{
	u64 left = g->capacity - g->done;
	uInt offered = left ? MIN(left, GIB(1)) : 1;
	int err = gzip_refill(g), result;

	if (err)
		return err;
	g->z.next_out = left ? g->to + g->done : &g->spare;
	g->z.avail_out = offered;
	result = inflate(&g->z, Z_NO_FLUSH);
	err = zlib_error(result);
	if (err)
		return err;
	if (!left && !g->z.avail_out)
		return -EFBIG;
	if (left)
		g->done += offered - g->z.avail_out;
	*end = result == Z_STREAM_END;
	return 0;
}

/* Behind a member there may be another one, and zeroes as padding. */
static int behind_member(struct gunzip *g, bool *more)
{
	int err;

	*more = false;
	while (!(err = gzip_refill(g))) {
		if (*g->z.next_in) {
			*more = true;
			return *g->z.next_in == 0x1f ? zlib_error(inflateReset(&g->z)) : -EUCLEAN;
		}
		g->z.next_in++;
		g->z.avail_in--;
	}
	return err == -ENODATA ? 0 : err;
}

static int gunzip_all(struct gunzip *g)
{
	unsigned members = 0;
	bool end, more = true;
	int err;

	while (more) {
		for (end = false; !end;) {
			err = gzip_step(g, &end);
			/* What only began like a second member. */
			if (err == -EILSEQ && members && !g->z.total_out)
				return -EUCLEAN;
			if (err)
				return err;
		}
		members++;
		err = behind_member(g, &more);
		if (err)
			return err;
	}
	return 0;
}

static int gzip_unpack(const struct unpack_source *source, u8 *to, u64 capacity, u64 *size)
{
	struct gunzip *g = calloc(1, sizeof(*g));
	int err;

	if (!g)
		return -ENOMEM;
	g->source = source;
	g->to = to;
	g->capacity = capacity;
	err = zlib_error(inflateInit2(&g->z, GZIP_ONLY));
	if (!err) {
		err = gunzip_all(g);
		inflateEnd(&g->z);
	}
	*size = g->done;
	free(g);
	return err;
}

static ssize_t gzip_head(const struct unpack_source *source, u8 *to, size_t size)
{
	u64 got;
	int err = gzip_unpack(source, to, size, &got);

	return err && err != -EFBIG ? err : (ssize_t)got;
}

/* The last member's, modulo 4 GiB: right for every kernel, and checked when it is unpacked. */
static u64 gzip_size(const struct unpack_source *source)
{
	le32 size;

	if (source->size < TRAILER ||
	    boot_file_read(source->file, source->offset + source->size - sizeof(size), &size,
			   sizeof(size)) != sizeof(size))
		return 0;
	return le32toh(size);
}

const struct unpacker gzip_unpacker = {
	.name = "gzip",
	.magic = "\x1f\x8b",
	.magic_len = 2,
	.head = gzip_head,
	.unpack = gzip_unpack,
	.size = gzip_size,
};
