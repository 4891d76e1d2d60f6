/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For arch/x86/kvm/mmu/mmu.c, by tests/lab/kvm-modules: accesses of a software-protected guest that say themselves
 * whether they are to private or to shared memory, as an SEV-SNP guest's do by a bit of its page tables. Here EBP says
 * it, with one of two words in it; with anything else in it the page's attribute decides, as ever. What becomes
 * of a fault whose kind is not the page's is left to KVM.
 */
#define SAYS_PRIVATE 0x70726976 /* "priv" */
#define SAYS_SHARED  0x73686172 /* "shar" */

static u64 with_access_kind(struct kvm_vcpu *vcpu, u64 error_code)
{
	/* Of the data that an instruction has, not of the instruction itself. */
	if (vcpu->kvm->arch.vm_type != KVM_X86_SW_PROTECTED_VM ||
	    !(error_code & PFERR_GUEST_FINAL_MASK) ||
	    error_code & (PFERR_RSVD_MASK | PFERR_FETCH_MASK))
		return error_code;
	switch ((u32)kvm_rbp_read(vcpu)) {
	case SAYS_PRIVATE:
		return error_code | PFERR_PRIVATE_ACCESS;
	case SAYS_SHARED:
		return error_code & ~(u64)PFERR_PRIVATE_ACCESS;
	}
	return error_code;
}
