// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether a parked vCPU can ever go on: so a guest that has halted for good is recognized. */
#include <sys/ioctl.h>

#include "lkvm/arch.h"

#define FLAGS_IF  BIT(9)
#define USER_RING 3

enum vcpu_activity arch_vcpu_activity(struct vcpu *vcpu, u64 *pc)
{
	struct kvm_mp_state power;
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (ioctl(vcpu->fd, KVM_GET_MP_STATE, &power))
		return VCPU_ACTIVE;
	if (power.mp_state == KVM_MP_STATE_UNINITIALIZED ||
	    power.mp_state == KVM_MP_STATE_INIT_RECEIVED)
		return VCPU_DEAD;
	/* A guest of SEV-SNP keeps its registers for itself. */
	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs) || ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return VCPU_ACTIVE;
	/* An NMI would wake it, and only another vCPU would send one. */
	if (power.mp_state == KVM_MP_STATE_HALTED)
		return regs.rflags & FLAGS_IF ? VCPU_ACTIVE : VCPU_DEAD;
	if (power.mp_state != KVM_MP_STATE_RUNNABLE || sregs.ss.dpl == USER_RING)
		return VCPU_ACTIVE;
	*pc = sregs.cs.base + regs.rip;
	return VCPU_IN_KERNEL;
}
