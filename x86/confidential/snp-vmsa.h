/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's registers as they are measured: the page that KVM makes of them at the end of a launch. AMD64
 * Architecture Programmer's Manual volume 2, table B-4 (the layout); SEV_FEATURES is 15.36.
 */
#ifndef X86_SNP_VMSA_H
#define X86_SNP_VMSA_H

#include "snp-plan.h"

/* Where a VMSA is measured to be: KVM says so of each. */
#define SNP_VMSA_GPA 0xfffffffff000

#define SNP_FEATURE_ACTIVE BIT(0) /* in SEV_FEATURES; KVM sets it */

struct snp_vmsa_segment {
	le16 selector, attrib;
	le32 limit;
	le64 base;
};

struct snp_vmsa {
	struct snp_vmsa_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 reserved_0a0[0x0cb - 0x0a0];
	u8 cpl;
	u8 reserved_0cc[4];
	le64 efer;
	u8 reserved_0d8[0x148 - 0x0d8];
	le64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
	u8 reserved_180[0x1d8 - 0x180];
	le64 rsp;
	u8 reserved_1e0[0x1f8 - 0x1e0];
	le64 rax;
	u8 reserved_200[0x268 - 0x200];
	le64 g_pat;
	u8 reserved_270[0x308 - 0x270];
	le64 rcx, rdx, rbx, reserved_320, rbp, rsi, rdi;
	le64 r8, r9, r10, r11, r12, r13, r14, r15;
	u8 reserved_380[0x3b0 - 0x380];
	le64 sev_features;
	u8 reserved_3b8[0x3e8 - 0x3b8];
	le64 xcr0;
	u8 reserved_3f0[0x408 - 0x3f0];
	le32 mxcsr;
	le16 x87_ftw, x87_fsw, x87_fcw;
	u8 rest[SNP_PAGE_SIZE - 0x412];
} __packed;

/*
 * As KVM's sev_es_sync_vmsa() makes it of a vCPU that had these registers set and otherwise is as KVM made
 * it. `features` is the plan's.
 */
void snp_vmsa_build(struct snp_vmsa *vmsa, const struct snp_vcpu *vcpu, u64 features);

#endif
