// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a parked vCPU is about. The idle loop of a kernel waits with interrupts masked, too, so neither the mask nor
 * the place tells it from one that has halted: its code does.
 */
#include <sys/ioctl.h>

#include "lkvm/arch.h"
#include "lkvm/vm/registers.h"
#include "arch-registers.h"
#include "walk.h"

#define SSTATUS_SIE BIT(1)
#define SUPERVISOR  1

#define WFI	 0x10500073u
#define NOP	 0x00000013u
#define C_NOP	 0x0001u
#define LOOP_MAX 8 /* instructions: the longest loop that is looked through */

static bool is_fence(u32 code)
{
	return (code & 0x707f) == 0x0f;
}

/* jal zero, c.j: true, with where it goes to */
static bool is_jump(u32 code, s64 *offset)
{
	if ((code & 0xfff) == 0x06f) {
		u32 bits = (code >> 31) << 20 | (code >> 12 & 0xff) << 12 | (code >> 20 & 1) << 11 |
			   (code >> 21 & 0x3ff) << 1;

		*offset = (int32_t)(bits << 11) >> 11;
		return true;
	}
	if (code <= 0xffff && (code & 0xe003) == 0xa001) {
		u32 bits = (code >> 12 & 1) << 11 | (code >> 8 & 1) << 10 | (code >> 9 & 3) << 8 |
			   (code >> 6 & 1) << 7 | (code >> 7 & 1) << 6 | (code >> 2 & 1) << 5 |
			   (code >> 11 & 1) << 4 | (code >> 3 & 7) << 1;

		*offset = (int32_t)(bits << 20) >> 20;
		return true;
	}
	return false;
}

/* Does it lead nowhere but round and round? */
static bool is_closed_loop(struct vcpu *vcpu, u64 satp, u64 pc)
{
	u64 seen[LOOP_MAX];

	for (unsigned n = 0; n < LOOP_MAX; n++) {
		unsigned len;
		s64 offset;
		u32 code;

		seen[n] = pc;
		if (riscv_fetch(&vcpu->vm->memory, satp, pc, &code, &len))
			return false;
		if (!is_jump(code, &offset)) {
			if (code != WFI && code != NOP && code != C_NOP && !is_fence(code))
				return false;
			offset = len;
		}
		pc += offset;
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
	u64 mode, sstatus, satp;
	unsigned len;
	u32 before;

	if (ioctl(vcpu->fd, KVM_GET_MP_STATE, &power))
		return VCPU_ACTIVE;
	if (power.mp_state == KVM_MP_STATE_STOPPED)
		return VCPU_DEAD;
	if (vcpu_get_register(vcpu, REG_PC, pc) || vcpu_get_register(vcpu, REG_CORE(mode), &mode) ||
	    vcpu_get_register(vcpu, REG_CSR(sstatus), &sstatus) ||
	    vcpu_get_register(vcpu, REG_CSR(satp), &satp) || mode != SUPERVISOR)
		return VCPU_ACTIVE;
	if (!(sstatus & SSTATUS_SIE) && is_closed_loop(vcpu, satp, *pc))
		return VCPU_DEAD;
	/* KVM has put the program counter behind a WFI that it waits for. */
	if (riscv_fetch(&vcpu->vm->memory, satp, *pc - 4, &before, &len) || before == WFI)
		return VCPU_ACTIVE;
	return VCPU_IN_KERNEL;
}
