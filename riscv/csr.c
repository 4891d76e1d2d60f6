// SPDX-License-Identifier: GPL-2.0-or-later
#include <sys/random.h>

#include "csr.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/registers.h"
#include "arch-registers.h"

/* The entropy source (Zkr; "RISC-V Cryptography Extensions I", 4.1): its state, and 16 bits of it. */
#define CSR_SEED  0x015
#define OPST_WAIT (1UL << 30)
#define OPST_ES16 (2UL << 30)

/* Privileged architecture, 12.1: supervisor CSRs */
#define SSTATUS_SIE	    (1ULL << 1)
#define SSTATUS_SPIE	    (1ULL << 5)
#define SSTATUS_SPP	    (1ULL << 8)
#define STVEC_MODE	    3ULL
#define ILLEGAL_INSTRUCTION 2

#define NR_GENERAL 32 /* x0 among them, in whose place KVM has the program counter */

static unsigned long read_seed(void)
{
	u16 entropy;

	if (getrandom(&entropy, sizeof(entropy), GRND_NONBLOCK) != sizeof(entropy))
		return OPST_WAIT;
	return OPST_ES16 | entropy;
}

static int get_general(struct vcpu *vcpu, u64 *values)
{
	int err = 0;

	for (unsigned i = 0; i < NR_GENERAL && !err; i++)
		err = vcpu_get_register(vcpu, REG_X(i), &values[i]);
	return err;
}

/* All but the program counter. */
static int set_general(struct vcpu *vcpu, const u64 *values)
{
	int err = 0;

	for (unsigned i = 1; i < NR_GENERAL && !err; i++)
		err = vcpu_set_register(vcpu, REG_X(i), values[i]);
	return err;
}

/* As the hart takes an exception into supervisor mode; what the instruction was it need not tell (stval). */
static int take_illegal_instruction(struct vcpu *vcpu, u64 pc)
{
	u64 mode, sstatus, stvec;
	int err = vcpu_get_register(vcpu, REG_CORE(mode), &mode);

	err = err ?: vcpu_get_register(vcpu, REG_CSR(sstatus), &sstatus);
	err = err ?: vcpu_get_register(vcpu, REG_CSR(stvec), &stvec);
	if (err)
		return err;
	sstatus = (sstatus & ~(SSTATUS_SPP | SSTATUS_SPIE | SSTATUS_SIE)) |
		  (mode == KVM_RISCV_MODE_S ? SSTATUS_SPP : 0) |
		  (sstatus & SSTATUS_SIE ? SSTATUS_SPIE : 0);
	err = vcpu_set_register(vcpu, REG_CSR(sstatus), sstatus);
	err = err ?: vcpu_set_register(vcpu, REG_CSR(sepc), pc);
	err = err ?: vcpu_set_register(vcpu, REG_CSR(scause), ILLEGAL_INSTRUCTION);
	err = err ?: vcpu_set_register(vcpu, REG_CSR(stval), 0);
	err = err ?: vcpu_set_register(vcpu, REG_CORE(mode), KVM_RISCV_MODE_S);
	return err ?: vcpu_set_register(vcpu, REG_PC, stvec & ~STVEC_MODE);
}

/*
 * KVM has no way to say that there is no such register: it goes behind the instruction and writes its result, so
 * that is let happen, and undone.
 */
static void csr_refuse(struct vcpu *vcpu)
{
	unsigned number = vcpu->run->riscv_csr.csr_num;
	u64 before[NR_GENERAL];
	int err = get_general(vcpu, before);

	vcpu->run->riscv_csr.ret_value = 0;
	vcpu_finish_exit(vcpu);
	err = err ?: set_general(vcpu, before);
	err = err ?: take_illegal_instruction(vcpu, before[0]);
	log_debug("vCPU %u: no control and status register 0x%x%s", vcpu->id, number,
		  err ? "; it reads as zero, since KVM does not take registers" : "");
}

void csr_access(struct vcpu *vcpu)
{
	if (vcpu->run->riscv_csr.csr_num == CSR_SEED)
		vcpu->run->riscv_csr.ret_value = read_seed();
	else
		csr_refuse(vcpu);
}
