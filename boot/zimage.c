// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "lkvm/boot/file.h"
#include "lkvm/boot/image.h"
#include "lkvm/boot/signature.h"
#include "lkvm/boot/zimage.h"
#include "lkvm/util/log.h"

#define HEAD_SIZE   0x210 /* what boot_image_kind wants to see */
#define LOAD_OFFSET 0x8000

#define MAGIC	    0x016f2818
#define TABLE_MAGIC 0x45454545

#define TAG_SIZES   0x5a534c4b
#define TAG_HEADER  2 /* words: how many there are, itself counted, and the tag */
#define MAX_TAGS    16
#define SANE_SIZE   MIB(512)
#define UNPACK_ROOM KIB(256) /* the decompressor's heap, stack and page table */
/* Of kernels that do not tell, the best packed ones grow to about four times their size. */
#define GROWTH	    4

struct zimage_header {
	le32 code[9];
	le32 magic;
	le32 start, end; /* addresses it was linked for, 0 when it runs anywhere */
	le32 endianness;
	le32 table_magic; /* only since Linux 4.15 */
	le32 table;	  /* file offset */
};
_Static_assert(offsetof(struct zimage_header, magic) == 0x24, "booting.rst");

static int zimage_refuse(const struct kernel_image *image, const char *why)
{
	log_fatal("Kernel %s cannot be booted: %s", image->file->path, why);
	return -EINVAL;
}

/* 0 words when they are not all in the file. */
static unsigned read_words(const struct boot_file *file, u64 offset, u32 *words, unsigned nr)
{
	le32 raw[TAG_HEADER];

	if (boot_file_read(file, offset, raw, nr * sizeof(*raw)) != (ssize_t)(nr * sizeof(*raw)))
		return 0;
	for (unsigned i = 0; i < nr; i++)
		words[i] = le32toh(raw[i]);
	return nr;
}

/* What the kernel has unpacked, its .bss included, bytes; 0: it does not tell. */
static u64 told_size(const struct boot_file *file, const struct zimage_header *header)
{
	u64 at = le32toh(header->table);
	u32 head[TAG_HEADER], sizes[2], unpacked[1];

	if (le32toh(header->table_magic) != TABLE_MAGIC)
		return 0;
	for (unsigned i = 0; i < MAX_TAGS; i++, at += head[0] * sizeof(u32)) {
		if (!read_words(file, at, head, TAG_HEADER) || head[0] < TAG_HEADER)
			return 0;
		if (head[1] != TAG_SIZES)
			continue;
		/* Where in the file the size stands, behind the packed kernel; and .bss. */
		if (!read_words(file, at + sizeof(head), sizes, 2) ||
		    !read_words(file, sizes[0], unpacked, 1))
			return 0;
		return (u64)unpacked[0] + sizes[1];
	}
	return 0;
}

static int take_header(struct kernel_image *image, const struct zimage_header *header)
{
	u32 start = le32toh(header->start), end = le32toh(header->end);
	u64 unpacked = told_size(image->file, header);

	if (end <= start || end - start < sizeof(*header))
		return zimage_refuse(image,
				     "its zImage header makes no sense; is the file damaged?");
	if (end - start > image->file->size)
		return zimage_refuse(
			image, "the file is truncated, it is shorter than its zImage header says");
	if (unpacked < end - start || unpacked > SANE_SIZE)
		unpacked = (u64)GROWTH * (end - start);
	image->has_header = true;
	/* It moves itself out of the way of what it unpacks. */
	image->size = image->file->size + unpacked + UNPACK_ROOM;
	return 0;
}

int zimage_open(struct kernel_image *image, const struct boot_file *file)
{
	u8 head[HEAD_SIZE];
	struct zimage_header header;
	const char *kind;
	ssize_t got;

	memset(image, 0, sizeof(*image));
	image->file = file;
	image->size = image->payload_size = file->size;
	image->text_offset = LOAD_OFFSET;
	got = boot_file_read(file, 0, head, sizeof(head));
	if (got < 0) {
		log_fatal("Unable to open kernel %s: %s", file->path, strerror(-got));
		return got;
	}
	if ((size_t)got >= sizeof(header)) {
		memcpy(&header, head, sizeof(header));
		if (le32toh(header.magic) == MAGIC)
			return take_header(image, &header);
	}
	kind = boot_image_kind(head, got);
	if (!kind)
		return 0;
	log_fatal("Kernel %s is %s; a 32-bit guest needs a zImage (arch/arm/boot/zImage)",
		  file->path, kind);
	return -EINVAL;
}
