// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a parked vCPU is about. The idle loop of a kernel waits with interrupts masked, too, so neither the mask nor
 * the place tells it from one that has halted: its code does. A kernel that masks interrupts by priority only
 * (irqchip.gicv3_pseudo_nmi=1), or one of 32 bits, is not understood.
 */
#include <sys/ioctl.h>

#include "arch-vm.h"
#include "lkvm/arch.h"
#include "lkvm/vm/registers.h"
#include "arch-registers.h"
#include "walk.h"

#define PSTATE_I BIT(7)
#define SCTLR_M	 BIT(0)

#define LOOP_MAX 8 /* instructions: the longest loop that is looked through */

static int read_mmu(struct vcpu *vcpu, u64 pstate, struct arm64_mmu *mmu)
{
	bool el2 = PSTATE_EL(pstate) == 2;
	u64 sctlr;
	int err = vcpu_get_register(vcpu, el2 ? REG_SCTLR_EL2 : REG_SCTLR_EL1, &sctlr);

	err = err ?: vcpu_get_register(vcpu, el2 ? REG_TCR_EL2 : REG_TCR_EL1, &mmu->tcr);
	err = err ?: vcpu_get_register(vcpu, el2 ? REG_TTBR0_EL2 : REG_TTBR0_EL1, &mmu->ttbr0);
	err = err ?: vcpu_get_register(vcpu, el2 ? REG_TTBR1_EL2 : REG_TTBR1_EL1, &mmu->ttbr1);
	mmu->on = !err && sctlr & SCTLR_M;
	return err;
}

/* Hints (WFI, WFE, YIELD, NOP), WFIT and WFET, barriers */
static bool is_idle(u32 code)
{
	return (code & 0xfffff01f) == 0xd503201f || (code & 0xffffffc0) == 0xd5031000 ||
	       (code & 0xfffff01f) == 0xd503301f;
}

static bool is_branch(u32 code)
{
	return code >> 26 == 5;
}

static s64 branch_offset(u32 code)
{
	return (int32_t)(code << 6) >> 4;
}

/*
 * WFI, or a call of PSCI's, which may be CPU_SUSPEND: KVM has put the program counter behind it. Delay loops wait as
 * well, by WFIT and WFE; no idle loop does.
 */
static bool is_wait(u32 code)
{
	return code == 0xd503207f || (code & 0xffe0001f) == 0xd4000002 ||
	       (code & 0xffe0001f) == 0xd4000003;
}

/* Does it lead nowhere but round and round? */
static bool is_closed_loop(struct vcpu *vcpu, const struct arm64_mmu *mmu, u64 pc)
{
	u64 seen[LOOP_MAX];
	u32 code;

	for (unsigned n = 0; n < LOOP_MAX; n++) {
		seen[n] = pc;
		if (arm64_fetch(&vcpu->vm->memory, mmu, pc, &code))
			return false;
		if (!is_branch(code) && !is_idle(code))
			return false;
		pc += is_branch(code) ? branch_offset(code) : 4;
		for (unsigned i = 0; i <= n; i++) {
			if (seen[i] == pc)
				return true;
		}
	}
	return false;
}

enum vcpu_activity arch_vcpu_activity(struct vcpu *vcpu, u64 *pc)
{
	struct kvm_mp_state power;
	struct arm64_mmu mmu;
	u64 pstate;
	u32 before;

	if (ioctl(vcpu->fd, KVM_GET_MP_STATE, &power))
		return VCPU_ACTIVE;
	if (power.mp_state == KVM_MP_STATE_STOPPED)
		return VCPU_DEAD;
	/* A protected guest's code is not there to be looked at. */
	if (power.mp_state != KVM_MP_STATE_RUNNABLE || vcpu->vm->private_memory ||
	    vcpu_get_register(vcpu, REG_PSTATE, &pstate) || vcpu_get_register(vcpu, REG_PC, pc))
		return VCPU_ACTIVE;
	if (pstate & PSTATE_MODE32 || !PSTATE_EL(pstate) || read_mmu(vcpu, pstate, &mmu))
		return VCPU_ACTIVE;
	if (pstate & PSTATE_I && is_closed_loop(vcpu, &mmu, *pc))
		return VCPU_DEAD;
	if (arm64_fetch(&vcpu->vm->memory, &mmu, *pc - 4, &before) || is_wait(before))
		return VCPU_ACTIVE;
	return VCPU_IN_KERNEL;
}
