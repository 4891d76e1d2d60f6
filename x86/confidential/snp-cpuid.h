/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPUID page of a SEV-SNP guest: what CPUID says in it, checked by the security processor so that the
 * guest may believe it (SEV-SNP Firmware ABI, "CPUID Reporting"). Pure.
 */
#ifndef X86_SNP_CPUID_H
#define X86_SNP_CPUID_H

#include <linux/kvm.h>
#include "lkvm/util/text.h"
#include "lkvm/util/types.h"

#define SNP_CPUID_MAX 64

struct snp_cpuid_function {
	le32 eax_in, ecx_in;
	le64 xcr0_in, xss_in;
	le32 eax, ebx, ecx, edx;
	le64 reserved;
} __packed;

struct snp_cpuid_page {
	le32 count;
	le32 reserved1;
	le64 reserved2;
	struct snp_cpuid_function functions[SNP_CPUID_MAX];
	u8 rest[1008];
} __packed;
_Static_assert(sizeof(struct snp_cpuid_function) == 48, "CPUID_FUNCTION");
_Static_assert(sizeof(struct snp_cpuid_page) == 4096, "one page");

/*
 * From vCPU 0's table, without what the security processor does not let a guest have. What is all zero is
 * left out: a guest takes it for that. -ENOSPC.
 */
int snp_cpuid_build(struct snp_cpuid_page *page, const struct kvm_cpuid2 *cpuid);

/* Writes which registers differ in `theirs`: "0x7 EBX, 0xd.1 EAX". Returns how many. */
unsigned snp_cpuid_compare(const struct snp_cpuid_page *ours, const struct snp_cpuid_page *theirs,
			   struct text *differences);

#endif
