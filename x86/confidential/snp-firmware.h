/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a firmware made for SEV-SNP says of itself: a table of GUIDs at the image's end (OVMF's
 * ResetVector), one of which leads to the list of pages that it wants to be part of the launch. The image
 * is not trusted. Pure: bytes in, a list out.
 */
#ifndef X86_SNP_FIRMWARE_H
#define X86_SNP_FIRMWARE_H

#include "lkvm/util/types.h"

#define SNP_RESET_VECTOR 0xfffffff0

enum snp_section_kind {
	SNP_SECTION_MEMORY = 1, /* must be there, empty */
	SNP_SECTION_SECRETS = 2,
	SNP_SECTION_CPUID = 3,
	SNP_SECTION_CALLING_AREA = 4, /* of a secure VM service module (SVSM) */
	SNP_SECTION_KERNEL_HASHES = 0x10,
};

struct snp_section {
	gpa_t gpa;
	u32 size; /* bytes, page multiple, not 0 */
	enum snp_section_kind kind;
};

#define SNP_MAX_SECTIONS 32

struct snp_firmware {
	u32 size;      /* bytes of the image, page multiple */
	u32 reset_eip; /* where vCPUs but the first begin; SNP_RESET_VECTOR when it does not tell */
	/* Where the table of hashes goes, in the section for it and with room for it there; 0: nowhere. */
	gpa_t hashes;
	unsigned nr_sections;
	struct snp_section sections[SNP_MAX_SECTIONS];
};

/*
 * Takes apart and checks an image: sections are whole pages, do not overlap each other or the image,
 * there is one page for secrets and one for CPUID. Logs and returns -EINVAL on failure ("--firmware PATH: ...").
 */
int snp_firmware_parse(struct snp_firmware *firmware, const char *path, const u8 *image, u64 size);

#endif
