// SPDX-License-Identifier: GPL-2.0-or-later
#include <stddef.h>
#include <string.h>

#include "snp-vmsa.h"

#define AT(field, offset) _Static_assert(offsetof(struct snp_vmsa, field) == (offset), #field)
AT(gdtr, 0x60);
AT(tr, 0x90);
AT(cpl, 0xcb);
AT(efer, 0xd0);
AT(cr4, 0x148);
AT(rip, 0x178);
AT(rsp, 0x1d8);
AT(rax, 0x1f8);
AT(g_pat, 0x268);
AT(rcx, 0x308);
AT(rbp, 0x328);
AT(r15, 0x378);
AT(sev_features, 0x3b0);
AT(xcr0, 0x3e8);
AT(mxcsr, 0x408);
AT(x87_fcw, 0x410);
_Static_assert(sizeof(struct snp_vmsa) == SNP_PAGE_SIZE, "one page");

#define CR0_ET	  BIT(4)
#define CR4_MCE	  BIT(6)
#define EFER_SVME BIT(12)

#define RFLAGS_FIXED 2

/* What these registers have after a reset. */
#define DR6_RESET   0xffff0ff0
#define DR7_RESET   0x400
#define PAT_RESET   0x0007040600070406
#define XCR0_RESET  1
#define MXCSR_RESET 0x1f80
#define FCW_RESET   0x37f

#define TYPE_LDT      2
#define TYPE_DATA     3 /* writable, accessed */
#define TYPE_BUSY_TSS 11
#define TYPE_CODE     11 /* readable, accessed */

static struct kvm_segment vmsa_make_segment(u16 selector, u64 base, u8 type, bool system)
{
	return (struct kvm_segment){
		.selector = selector,
		.base = base,
		.limit = 0xffff,
		.type = type,
		.s = !system,
		.present = 1,
	};
}

void snp_vcpu_reset(struct snp_vcpu *vcpu, u32 eip, u32 signature)
{
	struct kvm_sregs *s = &vcpu->sregs;

	memset(vcpu, 0, sizeof(*vcpu));
	s->cs = vmsa_make_segment(0xf000, eip & 0xffff0000, TYPE_CODE, false);
	s->ds = s->es = s->fs = s->gs = s->ss = vmsa_make_segment(0, 0, TYPE_DATA, false);
	s->ldt = vmsa_make_segment(0, 0, TYPE_LDT, true);
	s->tr = vmsa_make_segment(0, 0, TYPE_BUSY_TSS, true);
	s->gdt.limit = s->idt.limit = 0xffff;
	s->cr0 = CR0_ET;
	vcpu->regs.rflags = RFLAGS_FIXED;
	vcpu->regs.rip = eip & 0xffff;
	vcpu->regs.rdx = signature;
}

/* The 12 bits of a descriptor that a VMCB keeps side by side. */
static u16 vmsa_attributes(const struct kvm_segment *s)
{
	return (s->type & 15) | (s->s & 1) << 4 | (s->dpl & 3) << 5 | (s->present & 1) << 7 |
	       (s->avl & 1) << 8 | (s->l & 1) << 9 | (s->db & 1) << 10 | (s->g & 1) << 11;
}

static struct snp_vmsa_segment vmsa_segment(const struct kvm_segment *s)
{
	return (struct snp_vmsa_segment){
		.selector = htole16(s->selector),
		.attrib = htole16(vmsa_attributes(s)),
		.limit = htole32(s->limit),
		.base = htole64(s->base),
	};
}

static struct snp_vmsa_segment vmsa_table(const struct kvm_dtable *table)
{
	return (struct snp_vmsa_segment){
		.limit = htole32(table->limit),
		.base = htole64(table->base),
	};
}

static void build_system(struct snp_vmsa *vmsa, const struct kvm_sregs *s)
{
	vmsa->es = vmsa_segment(&s->es);
	vmsa->cs = vmsa_segment(&s->cs);
	vmsa->ss = vmsa_segment(&s->ss);
	vmsa->ds = vmsa_segment(&s->ds);
	vmsa->fs = vmsa_segment(&s->fs);
	vmsa->gs = vmsa_segment(&s->gs);
	vmsa->ldtr = vmsa_segment(&s->ldt);
	vmsa->tr = vmsa_segment(&s->tr);
	vmsa->gdtr = vmsa_table(&s->gdt);
	vmsa->idtr = vmsa_table(&s->idt);
	vmsa->cpl = s->ss.dpl;
	/* A guest always has SVM on, and machine checks when its host has them, which a SEV host must. */
	vmsa->efer = htole64(s->efer | EFER_SVME);
	vmsa->cr4 = htole64(s->cr4 | CR4_MCE);
	vmsa->cr3 = htole64(s->cr3);
	vmsa->cr0 = htole64(s->cr0);
	vmsa->dr7 = htole64(DR7_RESET);
	vmsa->dr6 = htole64(DR6_RESET);
	vmsa->g_pat = htole64(PAT_RESET);
	vmsa->xcr0 = htole64(XCR0_RESET);
	vmsa->mxcsr = htole32(MXCSR_RESET);
	vmsa->x87_fcw = htole16(FCW_RESET);
}

void snp_vmsa_build(struct snp_vmsa *vmsa, const struct snp_vcpu *vcpu, u64 features)
{
	const struct kvm_regs *r = &vcpu->regs;

	memset(vmsa, 0, sizeof(*vmsa));
	build_system(vmsa, &vcpu->sregs);
	vmsa->rip = htole64(r->rip);
	vmsa->rflags = htole64(r->rflags);
	vmsa->rdx = htole64(r->rdx);
	vmsa->rbx = htole64(r->rbx);
	vmsa->rsi = htole64(r->rsi);
	vmsa->sev_features = htole64(features | SNP_FEATURE_ACTIVE);
}
