// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/config/config.h"
#include "lkvm/config/options.h"
#include "lkvm/config/size.h"
#include "lkvm/util/log.h"
#include "snp-config.h"

/* GUEST_POLICY (SEV-SNP Firmware ABI, "Guest Policy"). */
#define POLICY_ONE   BIT(17) /* reserved, must be 1 */
#define POLICY_DEBUG BIT(19)
#define POLICY_KNOWN (BIT(26) - 1)

/* Bits 12 to 51 of a page table entry are an address. */
#define C_BIT_MIN 32
#define C_BIT_MAX 51

u64 snp_policy(const struct snp_config *config)
{
	return config->policy ?: SNP_POLICY_DEFAULT;
}

unsigned snp_c_bit(const struct snp_config *config)
{
	return config->c_bit ?: SNP_C_BIT_DEFAULT;
}

static int check_policy(void *record, char *value, char why[KEY_WHY])
{
	u64 policy = ((const struct snp_config *)record)->policy;

	if (policy & POLICY_ONE)
		return 0;
	return key_why(why, "bit 17 must be set: 0x%llx would work",
		       (unsigned long long)(policy | POLICY_ONE));
}

/* KVM sets SNP_ACTIVE itself. */
static int drop_snp_active(void *record, char *value, char why[KEY_WHY])
{
	((struct snp_config *)record)->vmsa_features &= ~BIT(0);
	return 0;
}

#define FIELD(name) .offset = offsetof(struct snp_config, name)

const struct key_row snp_keys[] = {
	KEY_ROW(U64, "policy", FIELD(policy), .max = POLICY_KNOWN, .check = check_policy,
		.help = "The guest policy (default: 0x30000)"),
	KEY_ROW(STRING, "id-block", FIELD(id_block), .argument = "FILE",
		.help = "What the guest's owner signed, as raw bytes or in base64"),
	KEY_ROW(STRING, "id-auth", FIELD(id_auth), .argument = "FILE",
		.help = "The signature, in the same way"),
	KEY_ROW(FLAG, "author-key", FIELD(author_key),
		.help = "An author's key is in the file of id-auth=, too"),
	KEY_ROW(HEX, "host-data", FIELD(host_data), .max = SIZE_OF(struct snp_config, host_data),
		.help = "For attestation reports"),
	KEY_ROW(FLAG, "vcek-disabled", FIELD(vcek_disabled),
		.help = "Leave the chip's own key out of reports"),
	KEY_ROW(U64, "vmsa-features", FIELD(vmsa_features), .check = drop_snp_active,
		.help = "Further SEV features"),
	KEY_ROW(HEX, "gosvw", FIELD(gosvw), .max = SIZE_OF(struct snp_config, gosvw),
		.help = "Workarounds that the guest's system shall know of"),
	KEY_ROW(U32, "c-bit", FIELD(c_bit), .min = C_BIT_MIN, .max = C_BIT_MAX,
		.help = "Which bit of page tables encrypts (default: 51)"),
	KEY_ROW(U32, "signature", FIELD(signature), .help = "What a firmware finds in EDX"),
	{ 0 },
};

int snp_parse_option(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	struct snp_config *snp = &config->arch.snp;

	if (!value) {
		*snp = (struct snp_config){ .given = false };
		config->arch.vm_type = VM_TYPE_DEFAULT;
		return 0;
	}
	snp->given = true;
	config->arch.vm_type = VM_TYPE_SNP;
	return option_keys(config, row, value, snp);
}

int snp_config_check(const struct vm_config *config)
{
	const struct snp_config *snp = &config->arch.snp;

	if (config->arch.no_acpi) {
		log_fatal(
			"--no-acpi does not go together with a SEV-SNP guest, which finds its CPUs "
			"in ACPI tables only");
		return -EINVAL;
	}
	if (snp->id_auth && !snp->id_block) {
		log_fatal("--snp id-auth=%s: it authenticates an ID block; give id-block= too",
			  snp->id_auth);
		return -EINVAL;
	}
	if (snp->id_block && !snp->id_auth) {
		log_fatal("--snp id-block=%s: nobody says who signed it; give id-auth= too",
			  snp->id_block);
		return -EINVAL;
	}
	if (snp->author_key && !snp->id_auth) {
		log_fatal(
			"--snp author-key: the key is in a file; give id-auth= and id-block= too");
		return -EINVAL;
	}
	if (snp_policy(snp) & POLICY_DEBUG)
		log_warning("--snp policy=0x%llx: it lets the host read and change the guest's "
			    "memory (bit 19)",
			    (unsigned long long)snp_policy(snp));
	return 0;
}

int snp_check_absent(const struct vm_config *config)
{
	if (!config->arch.snp.given)
		return 0;
	log_fatal("--snp: it is for SEV-SNP guests; --vm-type snp, or none, would go with it");
	return -EINVAL;
}
