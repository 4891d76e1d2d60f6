/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest's owner signed: the ID block (which guest this is, with which launch digest) and the ID
 * authentication structure (by whom). Files as tools make them: the bytes, or the same in base64.
 */
#ifndef X86_SNP_IDENTITY_H
#define X86_SNP_IDENTITY_H

#include "snp-config.h"
#include "uapi/sev.h"

/* SEV-SNP Firmware ABI, "ID Block". */
struct snp_id_block {
	u8 digest[48]; /* the launch digest that is right */
	u8 family[16], image[16];
	le32 version, svn;
	le64 policy;
};
_Static_assert(sizeof(struct snp_id_block) == SEV_SNP_ID_BLOCK_SIZE, "ID_BLOCK");

struct snp_identity {
	bool given; /* false: the rest says nothing */
	struct snp_id_block block;
	u8 auth[SEV_SNP_ID_AUTH_SIZE];
};

/* Reads both, if there are any; warns of a policy that is not the block's. Logs and returns -errno on failure. */
int snp_identity_read(struct snp_identity *identity, const struct snp_config *config);

#endif
