// SPDX-License-Identifier: GPL-2.0-or-later
/* The launch digest: SEV-SNP Firmware ABI (56860), SNP_LAUNCH_UPDATE, "Launch Digest Calculation". */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "snp-plan.h"
#include "snp-vmsa.h"

struct page_info {
	u8 digest[SHA384_SIZE]; /* so far */
	u8 contents[SHA384_SIZE];
	le16 length;
	u8 type;
	u8 imi;			/* 1: a migration agent's image */
	u8 vmpl_permissions[4]; /* of VMPL 3, 2 and 1; reserved. KVM gives none */
	le64 gpa;
};
_Static_assert(sizeof(struct page_info) == 0x70 && offsetof(struct page_info, gpa) == 0x68,
	       "PAGE_INFO");

int snp_digest_page(u8 digest[SHA384_SIZE], enum snp_page_type type, gpa_t gpa,
		    const void *contents)
{
	struct page_info info = {
		.length = htole16(sizeof(info)),
		.type = type,
		.gpa = htole64(gpa),
	};
	int err = contents ? sha384(info.contents, contents, SNP_PAGE_SIZE) : 0;

	if (err)
		return err;
	memcpy(info.digest, digest, SHA384_SIZE);
	return sha384(digest, &info, sizeof(info));
}

static int add_range(u8 digest[SHA384_SIZE], const struct snp_range *range)
{
	int err = 0;

	for (u64 at = 0; at < range->size && !err; at += SNP_PAGE_SIZE)
		err = snp_digest_page(digest, range->type, range->gpa + at,
				      range->type == SNP_PAGE_NORMAL ? (u8 *)range->data + at
								     : NULL);
	return err;
}

int snp_plan_digest(const struct snp_plan *plan, u8 digest[SHA384_SIZE])
{
	struct snp_vmsa vmsa;
	int err = 0;

	memset(digest, 0, SHA384_SIZE);
	for (unsigned i = 0; i < plan->nr_ranges && !err; i++)
		err = add_range(digest, &plan->ranges[i]);
	for (unsigned i = 0; i < plan->nr_vcpus && !err; i++) {
		snp_vmsa_build(&vmsa, i ? &plan->others : &plan->boot, plan->vmsa_features);
		err = snp_digest_page(digest, SNP_PAGE_VMSA, SNP_VMSA_GPA, &vmsa);
	}
	return err;
}
