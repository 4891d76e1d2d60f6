// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/boot/file.h"
#include "lkvm/boot/image.h"
#include "lkvm/boot/signature.h"
#include "lkvm/boot/zstd.h"
#include "lkvm/memory/populate.h"
#include "lkvm/util/log.h"
#include "pe.h"
#include "unpack.h"

#define HEAD_SIZE    0x210 /* what boot_image_kind wants to see */
#define OFFSET_ALIGN 4096  /* a kernel maps itself by pages */
#define SANE_SIZE    GIB(256)
#define SCRATCH	     KIB(512) /* behind an unpacked kernel */

/* Without a header: Linux before 3.17 was at 0x80000, in an unknown endianness. */
const struct image_arch image_arm64 = {
	.name = "arm64",
	.magic = "ARM\x64",
	.pe_machine = 0xaa64,
	.raw_offset = 0x80000,
	.path = "arch/arm64/boot/Image",
};

const struct image_arch image_riscv64 = {
	.name = "riscv64",
	.magic = "RSC\x05",
	.pe_machine = 0x5064,
	.raw_offset = MIB(2),
	.needs_size = true,
	.path = "arch/riscv/boot/Image",
};

struct image_header {
	le32 code[2];
	le64 text_offset;
	le64 image_size;
	le64 flags;
	le64 reserved[3]; /* riscv64: a version and an older magic */
	u8 magic[4];
	le32 pe_offset;
};
_Static_assert(sizeof(struct image_header) == 64, "booting.rst");
_Static_assert(offsetof(struct image_header, magic) == 0x38, "booting.rst");

struct zboot_header {
	u8 mz[4];
	u8 type[4];
	le32 payload;	   /* file offset, bytes */
	le32 payload_size; /* bytes */
	le32 reserved[2];
	char packing[32]; /* "gzip", ends with a 0 */
	le32 pe_magic;
	le32 pe_offset;
};
_Static_assert(sizeof(struct zboot_header) == 64, "zboot-header.S");

static const struct unpacker *const unpackers[] = { &gzip_unpacker, &zstd_unpacker };

static int image_refuse(const struct kernel_image *image, int err, const char *why)
{
	log_fatal("Kernel %s cannot be booted: %s", image->file->path, why);
	return err;
}

static int refuse_packing(const struct kernel_image *image, const char *name)
{
	log_fatal("Kernel %s is compressed with %s, which this lkvm cannot unpack: make it an "
		  "uncompressed Image, or use gzip%s",
		  image->file->path, name, boot_zstd_available() ? " or zstd" : "");
	return -ENOTSUP;
}

static int unpack_failed(const struct kernel_image *image, int err)
{
	const char *why = strerror(-err);

	if (err == -ENODATA)
		why = "the file is truncated, its compressed data ends too early";
	else if (err == -EILSEQ)
		why = "its compressed data is damaged";
	else if (err == -EUCLEAN)
		why = "something lies behind its compressed data (a device tree?): cut it off, it "
		      "would not be used";
	else if (err == -EFBIG)
		why = "it unpacks to more than fits: give the guest more memory with -m, if the "
		      "file is not damaged";
	return image_refuse(image, err, why);
}

static struct unpack_source image_source(const struct kernel_image *image)
{
	return (struct unpack_source){ image->file, image->payload, image->payload_size };
}

static const struct unpacker *unpacker_by_magic(const u8 *head, size_t size)
{
	for (unsigned i = 0; i < ARRAY_SIZE(unpackers); i++)
		if (size >= unpackers[i]->magic_len &&
		    !memcmp(head, unpackers[i]->magic, unpackers[i]->magic_len))
			return unpackers[i];
	return NULL;
}

/* Kernels' build calls its kinds "gzip", "zstd" and "zstd22". */
static const struct unpacker *unpacker_by_name(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(unpackers); i++)
		if (!strncmp(name, unpackers[i]->name, strlen(unpackers[i]->name)))
			return unpackers[i];
	return NULL;
}

/* Before the payload is unpacked: what is packed in some other way must not hide its architecture. */
static int check_machine(const struct kernel_image *image, const struct image_arch *arch)
{
	struct pe_info pe;

	if (!pe_read(image->file, &pe) || !pe.machine || pe.machine_number == arch->pe_machine)
		return 0;
	log_fatal("Kernel %s is an EFI zboot image for %s, not for %s", image->file->path,
		  pe.machine, arch->name);
	return -EINVAL;
}

static int open_zboot(struct kernel_image *image, const struct image_arch *arch, const u8 *head,
		      size_t size)
{
	struct zboot_header header;
	char packing[sizeof(header.packing) + 1] = "";
	int err = check_machine(image, arch);

	if (err)
		return err;
	if (size < sizeof(header))
		return image_refuse(image, -EINVAL,
				    "the file is truncated, it ends within its zboot header");
	memcpy(&header, head, sizeof(header));
	memcpy(packing, header.packing, sizeof(header.packing));
	image->zboot = true;
	image->payload = le32toh(header.payload);
	image->payload_size = le32toh(header.payload_size);
	if (image->payload > image->file->size ||
	    image->payload_size > image->file->size - image->payload)
		return image_refuse(
			image, -EINVAL,
			"the file is truncated, it is shorter than its zboot header says");
	if (image->payload < sizeof(header) || !image->payload_size)
		return image_refuse(image, -EINVAL,
				    "its zboot header makes no sense; is the file damaged?");
	for (char *c = packing; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	image->unpacker = unpacker_by_name(packing);
	return image->unpacker && image->unpacker->unpack ? 0 : refuse_packing(image, packing);
}

/* Finds out how the file is packed and replaces `head` by what it begins with when it is unpacked. */
static int open_packing(struct kernel_image *image, const struct image_arch *arch, u8 *head,
			size_t *size)
{
	struct unpack_source from;
	ssize_t got;
	int err;

	image->unpacker = unpacker_by_magic(head, *size);
	if (image->unpacker && !image->unpacker->unpack)
		return refuse_packing(image, image->unpacker->name);
	if (*size >= 8 && !memcmp(head, "MZ", 2) && !memcmp(head + 4, "zimg", 4)) {
		err = open_zboot(image, arch, head, *size);
		if (err)
			return err;
	}
	if (!image->unpacker)
		return 0;
	from = image_source(image);
	got = image->unpacker->head(&from, head, HEAD_SIZE);
	if (got < 0)
		return unpack_failed(image, got);
	*size = got;
	return 0;
}

static int take_header(struct kernel_image *image, const struct image_arch *arch,
		       const struct image_header *header)
{
	u64 image_size = le64toh(header->image_size);

	image->has_header = true;
	if (!image_size && arch->needs_size)
		return image_refuse(image, -EINVAL, "its header does not give its size");
	if (!image_size)
		return 0;
	image->text_offset = le64toh(header->text_offset);
	if (!IS_ALIGNED(image->text_offset, OFFSET_ALIGN) || image->text_offset >= SANE_SIZE ||
	    image_size >= SANE_SIZE)
		return image_refuse(image, -EINVAL,
				    "its header's sizes make no sense; is the file damaged?");
	/* Signatures behind an Image make its file larger than it needs to be in memory. */
	image->size = image->unpacker ? image_size : MAX(image->payload_size, image_size);
	return 0;
}

static int refuse_kind(const struct kernel_image *image, const struct image_arch *arch,
		       const char *kind)
{
	bool packed = image->unpacker;

	log_fatal("Kernel %s is %s%s; %s needs an Image (%s), also compressed with gzip%s or as "
		  "vmlinuz.efi",
		  image->file->path, kind, packed ? ", compressed" : "", arch->name, arch->path,
		  boot_zstd_available() ? " or zstd" : "");
	return -EINVAL;
}

/* The EFI stub's tables tell how long the file must be, which the header does not. */
static int check_complete(const struct kernel_image *image)
{
	struct pe_info pe;

	if (image->unpacker || !pe_read(image->file, &pe) || pe.file_end <= image->file->size)
		return 0;
	return image_refuse(image, -EINVAL,
			    "the file is truncated, it is shorter than its EFI header says");
}

static int open_head(struct kernel_image *image, const struct image_arch *arch, u8 *head,
		     size_t size)
{
	struct image_header header;
	struct unpack_source from;
	const char *kind;
	int err = open_packing(image, arch, head, &size);

	if (err)
		return err;
	from = image_source(image);
	image->text_offset = arch->raw_offset;
	image->size = image->payload_size;
	if (image->unpacker)
		image->size = image->unpacker->size(&from);
	if (size >= sizeof(header)) {
		memcpy(&header, head, sizeof(header));
		if (!memcmp(header.magic, arch->magic, sizeof(header.magic)))
			return take_header(image, arch, &header) ?: check_complete(image);
	}
	kind = boot_image_kind(head, size);
	if (kind)
		return refuse_kind(image, arch, kind);
	/* Programs without a header are not packed: this one came out of a kernel's. */
	if (image->zboot)
		return image_refuse(image, -EINVAL, "there is no Image in its zboot image");
	return 0;
}

int image_open(struct kernel_image *image, const struct boot_file *file,
	       const struct image_arch *arch)
{
	u8 head[HEAD_SIZE];
	ssize_t got;

	memset(image, 0, sizeof(*image));
	image->file = file;
	image->payload_size = file->size;
	got = boot_file_read(file, 0, head, sizeof(head));
	if (got < 0) {
		log_fatal("Unable to open kernel %s: %s", file->path, strerror(-got));
		return got;
	}
	return open_head(image, arch, head, got);
}

static int load_failed(const struct kernel_image *image, int err)
{
	if (image->unpacker)
		return unpack_failed(image, err);
	if (err == -EFBIG)
		return image_refuse(
			image, err,
			"it does not fit into the guest's memory: give it more with --mem");
	return image_refuse(image, err, err == -ENODATA ? "it became shorter" : strerror(-err));
}

int image_load(const struct kernel_image *image, const struct guest_memory *memory, gpa_t gpa,
	       u64 capacity)
{
	struct unpack_source from = image_source(image);
	u8 *to = guest_memory_hva_writable(memory, gpa, capacity);
	u64 size = image->payload_size;
	int err;

	if (!to)
		return image_refuse(image, -EFAULT, "there is no guest memory where it belongs");
	if (image->unpacker)
		err = image->unpacker->unpack(&from, to, capacity, &size);
	else if (size > capacity)
		err = -EFBIG;
	else
		err = guest_memory_populate_file(memory, gpa, image->file->fd, image->payload, size,
						 ALIGN_UP(size, OFFSET_ALIGN) <= capacity);
	if (err)
		return load_failed(image, err);
	/* libzstd uses up to about two blocks (256 KiB) behind what it has unpacked as scratch. */
	if (image->unpacker)
		memset(to + size, 0, MIN(capacity - size, SCRATCH));
	log_debug("kernel %s: %llu bytes at 0x%llx", image->file->path, (unsigned long long)size,
		  (unsigned long long)gpa);
	return 0;
}
