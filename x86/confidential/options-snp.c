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

/* One item, "KEY" or "KEY=VALUE"; value NULL for the first. */
struct item {
	const struct option_row *row;
	const char *all; /* the option's whole value, for messages */
	const char *key, *value;
};

static int take_number(const struct item *item, u64 max, u64 *number)
{
	switch (parse_u64(item->value, max, number)) {
	case 0:
		return 0;
	case -ERANGE:
		return option_error(item->row, item->all, "%s=%s: at most 0x%llx works", item->key,
				    item->value, (unsigned long long)max);
	default:
		return option_error(item->row, item->all,
				    "%s=%s is not a number; 1000000 or 0xf4240 would work",
				    item->key, item->value);
	}
}

static int no_hex(const struct item *item, size_t size)
{
	return option_error(item->row, item->all, "%s: %zu hexadecimal digits would work",
			    item->key, 2 * size);
}

static int take_hex(const struct item *item, u8 *bytes, size_t size)
{
	const char *digits = item->value;

	if (!strncmp(digits, "0x", 2))
		digits += 2;
	if (strlen(digits) != 2 * size)
		return no_hex(item, size);
	for (size_t i = 0; i < size; i++) {
		unsigned high = hex_digit(digits[2 * i]), low = hex_digit(digits[2 * i + 1]);

		if (high > 15 || low > 15)
			return no_hex(item, size);
		bytes[i] = high << 4 | low;
	}
	return 0;
}

static int set_policy(struct snp_config *snp, const struct item *item)
{
	int error = take_number(item, POLICY_KNOWN, &snp->policy);

	if (!error && !(snp->policy & POLICY_ONE))
		return option_error(item->row, item->all,
				    "bit 17 of a policy must be set: 0x%llx would work",
				    (unsigned long long)(snp->policy | POLICY_ONE));
	return error;
}

static int set_id_block(struct snp_config *snp, const struct item *item)
{
	snp->id_block = item->value;
	return 0;
}

static int set_id_auth(struct snp_config *snp, const struct item *item)
{
	snp->id_auth = item->value;
	return 0;
}

static int set_author_key(struct snp_config *snp, const struct item *item)
{
	snp->author_key = true;
	return 0;
}

static int set_host_data(struct snp_config *snp, const struct item *item)
{
	return take_hex(item, snp->host_data, sizeof(snp->host_data));
}

static int set_vcek_disabled(struct snp_config *snp, const struct item *item)
{
	snp->vcek_disabled = true;
	return 0;
}

static int set_vmsa_features(struct snp_config *snp, const struct item *item)
{
	int error = take_number(item, UINT64_MAX, &snp->vmsa_features);

	/* SNP_ACTIVE goes without saying: KVM sets it. */
	snp->vmsa_features &= ~BIT(0);
	return error;
}

static int set_gosvw(struct snp_config *snp, const struct item *item)
{
	return take_hex(item, snp->gosvw, sizeof(snp->gosvw));
}

static int set_c_bit(struct snp_config *snp, const struct item *item)
{
	u64 bit;
	int error = take_number(item, C_BIT_MAX, &bit);

	if (!error && bit < C_BIT_MIN)
		return option_error(item->row, item->all, "c-bit: %u to %u work", C_BIT_MIN,
				    C_BIT_MAX);
	if (!error)
		snp->c_bit = bit;
	return error;
}

static int set_signature(struct snp_config *snp, const struct item *item)
{
	u64 signature;
	int error = take_number(item, UINT32_MAX, &signature);

	if (!error)
		snp->signature = signature;
	return error;
}

static const struct {
	const char *key;
	bool takes_value;
	int (*set)(struct snp_config *snp, const struct item *item);
} keys[] = {
	{ "policy", true, set_policy },
	{ "id-block", true, set_id_block },
	{ "id-auth", true, set_id_auth },
	{ "author-key", false, set_author_key },
	{ "host-data", true, set_host_data },
	{ "vcek-disabled", false, set_vcek_disabled },
	{ "vmsa-features", true, set_vmsa_features },
	{ "gosvw", true, set_gosvw },
	{ "c-bit", true, set_c_bit },
	{ "signature", true, set_signature },
};

static int parse_item(struct snp_config *snp, const struct option_row *row, const char *all,
		      char *text)
{
	struct item item = { .row = row, .all = all, .key = text };
	char *equals = strchr(text, '=');

	if (equals) {
		*equals = '\0';
		item.value = equals + 1;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(text, keys[i].key))
			continue;
		if (keys[i].takes_value && (!item.value || !*item.value))
			return option_error(row, all, "%s= wants a value", text);
		if (!keys[i].takes_value && item.value)
			return option_error(row, all, "%s takes no value", text);
		return keys[i].set(snp, &item);
	}
	return option_error(row, all,
			    "'%s' is not known; there are policy=N, id-block=FILE, id-auth=FILE, "
			    "author-key, host-data=HEX, vcek-disabled, vmsa-features=N, gosvw=HEX, "
			    "c-bit=N and signature=N",
			    text);
}

int snp_parse_option(void *base, const struct option_row *row, const char *value)
{
	struct vm_config *config = base;
	struct snp_config *snp = &config->arch.snp;
	char *cursor, *item;
	int error = 0;

	if (!value) {
		*snp = (struct snp_config){ .given = false };
		config->arch.vm_type = VM_TYPE_DEFAULT;
		return 0;
	}
	cursor = config_keep(config, strdup(value));
	if (!cursor) {
		log_error("out of memory");
		return -ENOMEM;
	}
	snp->given = true;
	config->arch.vm_type = VM_TYPE_SNP;
	while (!error && (item = key_list_next(&cursor)))
		error = parse_item(snp, row, value, item);
	return error;
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
