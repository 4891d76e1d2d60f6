/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --snp KEY=VALUE,...: how a SEV-SNP guest is launched. Included by arch-config.h: only data. */
#ifndef X86_SNP_CONFIG_H
#define X86_SNP_CONFIG_H

#include "lkvm/config/key.h"
#include "lkvm/util/types.h"

struct vm_config;
struct option_row;

struct snp_config {
	bool given;			/* any --snp */
	u64 policy;			/* GUEST_POLICY; 0: SNP_POLICY_DEFAULT */
	u64 vmsa_features;		/* SEV_FEATURES beside SNP_ACTIVE */
	const char *id_block, *id_auth; /* files */
	bool author_key;		/* the auth file's author key is meant too */
	bool vcek_disabled;
	u8 host_data[32];
	u8 gosvw[16];
	unsigned c_bit; /* of a page table entry; 0: SNP_C_BIT_DEFAULT */
	u32 signature;	/* what RDX has where a firmware begins */
};

/* May run with SMT; bit 17 must be set. */
#define SNP_POLICY_DEFAULT 0x30000
/* Every processor with SEV-SNP so far has it here. */
#define SNP_C_BIT_DEFAULT  51

/* Its keys, and its parser, which fills config->arch.snp. */
extern const struct key_row snp_keys[];
int snp_parse_option(void *base, const struct option_row *row, const char *value);

u64 snp_policy(const struct snp_config *config);
unsigned snp_c_bit(const struct snp_config *config);

/* Options that do not go together with a SEV-SNP guest. Logs and returns -EINVAL on failure. */
int snp_config_check(const struct vm_config *config);
/* For other guests: was --snp given? Logs and returns -EINVAL on failure. */
int snp_check_absent(const struct vm_config *config);

#endif
