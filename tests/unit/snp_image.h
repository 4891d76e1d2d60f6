/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A firmware image made by hand: a table of GUIDs at its end that leads to SEV metadata. */
#ifndef SNP_IMAGE_H
#define SNP_IMAGE_H

#include <string.h>

#include "lkvm/util/types.h"

#define SNP_IMAGE_SIZE	   KIB(64)
#define SNP_IMAGE_METADATA 0x800 /* bytes from its end */

struct snp_image_section {
	le32 base, size, kind;
};

/* GUIDs as text has them are mixed-endian; these are the bytes. */
#define SNP_GUID_TABLE	  "\xde\x82\xb5\x96\xb2\x1f\xf7\x45\xba\xea\xa3\x66\xc5\x5a\x08\x2d"
#define SNP_GUID_METADATA "\x66\x65\x88\xdc\x4a\x98\x98\x47\xa7\x5e\x55\x85\xa7\xbf\x67\xcc"
#define SNP_GUID_RESET	  "\xde\x71\xf7\x00\x7e\x1a\xcb\x4f\x89\x0e\x68\xc7\x7e\x2f\xb4\x4e"
#define SNP_GUID_HASHES	  "\x1f\x37\x55\x72\x3b\x3a\x04\x4b\x92\x7b\x1d\xa6\xef\xa8\xd4\x54"

/* As OVMF's build for AMD SEV has them, in small. */
static const struct snp_image_section snp_image_sections[] = {
	{ 0x800000, 0x3000, 1 }, { 0x803000, 0x1000, 2 }, { 0x804000, 0x1000, 3 },
	{ 0x805000, 0x1000, 4 }, { 0x806000, 0x2000, 1 }, { 0x808000, 0x1000, 0x10 },
};
#define SNP_IMAGE_HASHES 0x808c00
#define SNP_IMAGE_EIP	 0x80b004

/* Puts an entry in front of *at, which moves. */
static inline void snp_image_entry(u8 **at, const char *guid, const void *data, u16 len)
{
	*at -= 16;
	memcpy(*at, guid, 16);
	*at -= 2;
	(*at)[0] = (len + 18) & 0xff;
	(*at)[1] = (len + 18) >> 8;
	*at -= len;
	memcpy(*at, data, len);
}

/* Where the last entry, the table's own with its length, has that length. */
#define SNP_IMAGE_TABLE_LENGTH (SNP_IMAGE_SIZE - 32 - 18)

static inline void make_snp_image_with(u8 *image, const struct snp_image_section *sections,
				       unsigned nr)
{
	le32 header[4] = { 0, 16 + nr * 12, 1, nr };
	le32 offset = SNP_IMAGE_METADATA, eip = SNP_IMAGE_EIP;
	le32 hashes[2] = { SNP_IMAGE_HASHES, 0x400 };
	u8 *end = image + SNP_IMAGE_TABLE_LENGTH, *at = end;
	u16 len;

	for (unsigned i = 0; i < SNP_IMAGE_SIZE; i++)
		image[i] = i * 13 + (i >> 8);
	snp_image_entry(&at, SNP_GUID_RESET, &eip, sizeof(eip));
	snp_image_entry(&at, SNP_GUID_HASHES, hashes, sizeof(hashes));
	snp_image_entry(&at, "a GUID of others", "what it means", 13);
	snp_image_entry(&at, SNP_GUID_METADATA, &offset, sizeof(offset));
	len = end - at + 18;
	memcpy(end, &len, 2);
	memcpy(end + 2, SNP_GUID_TABLE, 16);
	memcpy(header, "ASEV", 4);
	at = image + SNP_IMAGE_SIZE - SNP_IMAGE_METADATA;
	memcpy(at, header, 16);
	memcpy(at + 16, sections, nr * 12);
}

static inline void make_snp_image(u8 *image)
{
	make_snp_image_with(image, snp_image_sections, ARRAY_SIZE(snp_image_sections));
}

#endif
