// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "firmware.h"
#include "board.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/bus.h"
#include "snp-firmware.h"
#include "snp-hashes.h"

#define PAGE	      4096
#define TABLE_END     32 /* bytes from the image's end to the table's */
#define GUID_SIZE     16
#define ENTRY_TRAILER (GUID_SIZE + 2) /* an entry ends with its length and its GUID */

#define METADATA_VERSION 1

struct metadata_header {
	u8 signature[4]; /* "ASEV" */
	le32 size;	 /* with the sections */
	le32 version;
	le32 nr_sections;
};

struct metadata_section {
	le32 base, size, kind;
};
_Static_assert(sizeof(struct metadata_header) == 16 && sizeof(struct metadata_section) == 12,
	       "OvmfSevMetadata.asm");

/* GUIDs as they lie in memory. */
static const u8 guid_table[GUID_SIZE] = { 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
					  0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d };
static const u8 guid_metadata[GUID_SIZE] = { 0x66, 0x65, 0x88, 0xdc, 0x4a, 0x98, 0x98, 0x47,
					     0xa7, 0x5e, 0x55, 0x85, 0xa7, 0xbf, 0x67, 0xcc };
static const u8 guid_reset[GUID_SIZE] = { 0xde, 0x71, 0xf7, 0x00, 0x7e, 0x1a, 0xcb, 0x4f,
					  0x89, 0x0e, 0x68, 0xc7, 0x7e, 0x2f, 0xb4, 0x4e };
static const u8 guid_hashes[GUID_SIZE] = { 0x1f, 0x37, 0x55, 0x72, 0x3b, 0x3a, 0x04, 0x4b,
					   0x92, 0x7b, 0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54 };

/* The image that is taken apart, and what its table of GUIDs says. */
struct image {
	const char *path;
	const u8 *bytes;
	u64 size;
	u32 hashes_base, hashes_size;
	u64 metadata; /* offset; 0: none */
};

#define snp_firmware_refuse(image, fmt, ...)                                                       \
	(log_fatal("--firmware %s: " fmt, (image)->path, ##__VA_ARGS__), -EINVAL)

/* `data` is an entry's, in front of its length and GUID. */
static int take_entry(struct snp_firmware *firmware, struct image *image, const u8 *guid,
		      const u8 *data, unsigned len)
{
	u32 offset;

	if (!memcmp(guid, guid_reset, GUID_SIZE) && len >= 4)
		firmware->reset_eip = bus_get(data, 4);
	if (!memcmp(guid, guid_hashes, GUID_SIZE) && len >= 8) {
		image->hashes_base = bus_get(data, 4);
		image->hashes_size = bus_get(data + 4, 4);
	}
	if (memcmp(guid, guid_metadata, GUID_SIZE) || len < 4)
		return 0;
	offset = bus_get(data, 4);
	if (offset > image->size || offset < sizeof(struct metadata_header))
		return snp_firmware_refuse(image, "its SEV metadata lie outside of it");
	image->metadata = image->size - offset;
	return 0;
}

/* Entries are read backwards from the table's end, since each ends with its length and GUID. */
static int walk_table(struct snp_firmware *firmware, struct image *image)
{
	u64 at = image->size - TABLE_END, first;
	unsigned len = bus_get(image->bytes + at - ENTRY_TRAILER, 2);
	int err = 0;

	if (memcmp(image->bytes + at - GUID_SIZE, guid_table, GUID_SIZE))
		return snp_firmware_refuse(
			image, "it has no table of GUIDs at its end, so it is no OVMF that "
			       "could run in a SEV-SNP guest");
	if (len < ENTRY_TRAILER || len > at)
		return snp_firmware_refuse(image, "its table of GUIDs is damaged");
	first = at - len;
	at -= ENTRY_TRAILER;
	while (at > first && !err) {
		const u8 *end = image->bytes + at;

		if (at - first < ENTRY_TRAILER)
			return snp_firmware_refuse(image, "its table of GUIDs is damaged");
		len = bus_get(end - ENTRY_TRAILER, 2);
		if (len < ENTRY_TRAILER || len > at - first)
			return snp_firmware_refuse(image, "its table of GUIDs is damaged");
		err = take_entry(firmware, image, end - GUID_SIZE, end - len, len - ENTRY_TRAILER);
		at -= len;
	}
	return err;
}

static bool is_known(u32 kind)
{
	return (kind >= SNP_SECTION_MEMORY && kind <= SNP_SECTION_CALLING_AREA) ||
	       kind == SNP_SECTION_KERNEL_HASHES;
}

static bool snp_firmware_overlaps(const struct snp_firmware *firmware, gpa_t gpa, u32 size)
{
	for (unsigned i = 0; i < firmware->nr_sections; i++) {
		const struct snp_section *other = &firmware->sections[i];

		if (gpa < other->gpa + other->size && other->gpa < gpa + size)
			return true;
	}
	return false;
}

static int take_section(struct snp_firmware *firmware, const struct image *image, const u8 *at)
{
	struct metadata_section section;
	u32 base, size, kind;

	memcpy(&section, at, sizeof(section));
	base = le32toh(section.base);
	size = le32toh(section.size);
	kind = le32toh(section.kind);
	if (!is_known(kind))
		return snp_firmware_refuse(
			image, "it wants a kind of page (%u) that lkvm does not know", kind);
	if (!size || !IS_ALIGNED(base, PAGE) || !IS_ALIGNED(size, PAGE) ||
	    size > BOARD_HOLE_END - base)
		return snp_firmware_refuse(
			image, "its section of %u bytes at 0x%x is not made of pages", size, base);
	if ((u64)base + size > BOARD_HOLE_END - image->size)
		return snp_firmware_refuse(image, "its section at 0x%x lies in the image itself",
					   base);
	if (snp_firmware_overlaps(firmware, base, size))
		return snp_firmware_refuse(image, "its sections at 0x%x overlap", base);
	if ((kind == SNP_SECTION_SECRETS || kind == SNP_SECTION_CPUID) && size != PAGE)
		return snp_firmware_refuse(
			image, "its section at 0x%x has %u bytes, one page would work", base, size);
	if (firmware->nr_sections == SNP_MAX_SECTIONS)
		return snp_firmware_refuse(image, "it has more than %u sections", SNP_MAX_SECTIONS);
	firmware->sections[firmware->nr_sections++] =
		(struct snp_section){ .gpa = base, .size = size, .kind = kind };
	return 0;
}

static int take_metadata(struct snp_firmware *firmware, const struct image *image)
{
	const u8 *at = image->bytes + image->metadata;
	struct metadata_header header;
	u64 left = image->size - image->metadata;
	u32 nr;
	int err = 0;

	memcpy(&header, at, sizeof(header));
	nr = le32toh(header.nr_sections);
	if (memcmp(header.signature, "ASEV", 4))
		return snp_firmware_refuse(image, "its SEV metadata are damaged");
	if (le32toh(header.version) != METADATA_VERSION)
		return snp_firmware_refuse(
			image, "its SEV metadata have version %u, lkvm knows version %u",
			le32toh(header.version), METADATA_VERSION);
	if (nr > (left - sizeof(header)) / sizeof(struct metadata_section) ||
	    le32toh(header.size) < sizeof(header) + nr * sizeof(struct metadata_section))
		return snp_firmware_refuse(image, "its SEV metadata are damaged");
	at += sizeof(header);
	for (u32 i = 0; i < nr && !err; i++)
		err = take_section(firmware, image, at + i * sizeof(struct metadata_section));
	return err;
}

static const struct snp_section *the_section(const struct snp_firmware *firmware,
					     enum snp_section_kind kind, unsigned *nr)
{
	const struct snp_section *found = NULL;

	*nr = 0;
	for (unsigned i = 0; i < firmware->nr_sections; i++) {
		if (firmware->sections[i].kind != kind)
			continue;
		found = &firmware->sections[i];
		++*nr;
	}
	return found;
}

/* The table has a place of its own within the section, which other secrets share. */
static int find_hashes(struct snp_firmware *firmware, const struct image *image)
{
	unsigned nr;
	const struct snp_section *section = the_section(firmware, SNP_SECTION_KERNEL_HASHES, &nr);
	u64 offset;

	if (!nr || !image->hashes_base)
		return 0;
	offset = (u64)image->hashes_base - section->gpa;
	if (nr > 1 || image->hashes_base < section->gpa || offset >= section->size ||
	    image->hashes_size > section->size - offset ||
	    image->hashes_size < sizeof(struct snp_hashes))
		return snp_firmware_refuse(
			image,
			"its place for hashes (%u bytes at 0x%x) is not in its section "
			"for them",
			image->hashes_size, image->hashes_base);
	firmware->hashes = image->hashes_base;
	return 0;
}

int snp_firmware_parse(struct snp_firmware *firmware, const char *path, const u8 *bytes, u64 size)
{
	struct image image = { .path = path, .bytes = bytes, .size = size };
	unsigned nr_secrets, nr_cpuid;
	int err;

	memset(firmware, 0, sizeof(*firmware));
	if (size < PAGE || size > X86_FIRMWARE_MAX || !IS_ALIGNED(size, PAGE))
		return snp_firmware_refuse(
			&image, "%llu bytes are no firmware; whole pages, at most %llu MiB, work",
			(unsigned long long)size, (unsigned long long)X86_FIRMWARE_MAX >> 20);
	firmware->size = size;
	firmware->reset_eip = SNP_RESET_VECTOR;
	err = walk_table(firmware, &image);
	if (err)
		return err;
	if (!image.metadata)
		return snp_firmware_refuse(
			&image, "it has no SEV metadata; an OVMF built for SEV-SNP has them");
	err = take_metadata(firmware, &image);
	if (err)
		return err;
	the_section(firmware, SNP_SECTION_SECRETS, &nr_secrets);
	the_section(firmware, SNP_SECTION_CPUID, &nr_cpuid);
	if (nr_secrets != 1 || nr_cpuid != 1)
		return snp_firmware_refuse(
			&image,
			"it has %u pages for secrets and %u for CPUID; one of each is right",
			nr_secrets, nr_cpuid);
	return find_hashes(firmware, &image);
}
