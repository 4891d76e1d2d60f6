// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * zstd (RFC 8878) by libzstd. Kernels are packed with a window as large as themselves, which a stream's
 * reader would hold a second time; so the packed bytes are held instead, a quarter of it, and
 * unpacked in one go to where they are wanted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "unpack.h"
#include "lkvm/boot/zstd.h"

#define HEAD_CHUNK    KIB(64)
/* What does not compress grows by a few bytes a block, and behind a stream there may be padding. */
#define PACKED_EXCESS MIB(16)

static int zstd_error(size_t result)
{
	if (!ZSTD_isError(result))
		return 0;
	switch (ZSTD_getErrorCode(result)) {
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	case ZSTD_error_dstSize_tooSmall:
		return -EFBIG;
	case ZSTD_error_srcSize_wrong:
		return -ENODATA;
	default:
		return -EILSEQ;
	}
}

/* Frames one after the other, then at most zeroes. */
static int unpack_frames(const u8 *packed, u64 left, u8 *to, u64 capacity, u64 *size)
{
	u64 done = 0;

	for (unsigned frames = 0; left; frames++) {
		size_t frame, got;

		if (frames && (left < zstd_unpacker.magic_len ||
			       memcmp(packed, zstd_unpacker.magic, zstd_unpacker.magic_len)))
			return -EUCLEAN;
		frame = ZSTD_findFrameCompressedSize(packed, left);
		if (ZSTD_isError(frame))
			return zstd_error(frame);
		got = ZSTD_decompress(to + done, capacity - done, packed, frame);
		if (ZSTD_isError(got))
			return zstd_error(got);
		done += got;
		packed += frame;
		left -= frame;
		for (; left && !*packed; left--)
			packed++;
	}
	*size = done;
	return 0;
}

static int zstd_unpack(const struct unpack_source *source, u8 *to, u64 capacity, u64 *size)
{
	u8 *packed;
	ssize_t got;
	int err;

	*size = 0;
	/* A file may claim any size without having it: no more than the guest has is read. */
	if (source->size > capacity + PACKED_EXCESS)
		return -EFBIG;
	packed = malloc(source->size);
	if (!packed)
		return -ENOMEM;
	got = boot_file_read(source->file, source->offset, packed, source->size);
	if (got < 0)
		err = got;
	else if ((u64)got < source->size)
		err = -ENODATA;
	else
		err = unpack_frames(packed, got, to, capacity, size);
	free(packed);
	return err;
}

static ssize_t unpack_head(ZSTD_DStream *stream, const struct unpack_source *source, u8 *in, u8 *to,
			   size_t size)
{
	ZSTD_outBuffer out = { .dst = to, .size = size };
	u64 at = 0;

	while (out.pos < out.size) {
		ssize_t got = boot_file_read(source->file, source->offset + at, in,
					     MIN(source->size - at, HEAD_CHUNK));
		ZSTD_inBuffer chunk = { .src = in, .size = got };

		if (got < 0)
			return got;
		if (!got)
			return -ENODATA;
		at += got;
		while (out.pos < out.size && chunk.pos < chunk.size) {
			size_t result = ZSTD_decompressStream(stream, &out, &chunk);

			if (ZSTD_isError(result))
				return zstd_error(result);
			/* The frame's end. */
			if (!result)
				return out.pos;
		}
	}
	return out.pos;
}

static ssize_t zstd_head(const struct unpack_source *source, u8 *to, size_t size)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	u8 *in = malloc(HEAD_CHUNK);
	ssize_t got = -ENOMEM;

	if (stream && in)
		got = unpack_head(stream, source, in, to, size);
	free(in);
	ZSTD_freeDStream(stream);
	return got;
}

static u64 zstd_size(const struct unpack_source *source)
{
	u8 header[18];
	ssize_t got = boot_file_read(source->file, source->offset, header,
				     MIN(source->size, (u64)sizeof(header)));
	unsigned long long size = got > 0 ? ZSTD_getFrameContentSize(header, got) : 0;

	return size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ? 0 : size;
}

const struct unpacker zstd_unpacker = {
	.name = "zstd",
	.magic = "\x28\xb5\x2f\xfd",
	.magic_len = 4,
	.head = zstd_head,
	.unpack = zstd_unpack,
	.size = zstd_size,
};

bool boot_zstd_available(void)
{
	return true;
}
