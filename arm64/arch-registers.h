/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vCPU registers by KVM_GET_ONE_REG and KVM_SET_ONE_REG. The vCPU's thread, or any while it is parked. */
#ifndef ARM64_REGISTERS_H
#define ARM64_REGISTERS_H

#include <linux/kvm.h>
#include "lkvm/vm/vcpu.h"

/* Offsets into struct kvm_regs, in 32-bit words. */
#define REG_CORE(field)                                                                            \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |                                     \
	 offsetof(struct kvm_regs, field) / sizeof(u32))
#define REG_X(n)   (REG_CORE(regs.regs[0]) + (n) * sizeof(u64) / sizeof(u32))
#define REG_SP_EL0 REG_CORE(regs.sp)
#define REG_SP_EL1 REG_CORE(sp_el1)
#define REG_PC	   REG_CORE(regs.pc)
#define REG_PSTATE REG_CORE(regs.pstate)

#define REG_MPIDR_EL1 ARM64_SYS_REG(3, 0, 0, 0, 5)
#define REG_CLIDR_EL1 ARM64_SYS_REG(3, 1, 0, 0, 1)
#define REG_SCTLR_EL1 ARM64_SYS_REG(3, 0, 1, 0, 0)
#define REG_TCR_EL1   ARM64_SYS_REG(3, 0, 2, 0, 2)
#define REG_TTBR0_EL1 ARM64_SYS_REG(3, 0, 2, 0, 0)
#define REG_TTBR1_EL1 ARM64_SYS_REG(3, 0, 2, 0, 1)
#define REG_ESR_EL1   ARM64_SYS_REG(3, 0, 5, 2, 0)
#define REG_FAR_EL1   ARM64_SYS_REG(3, 0, 6, 0, 0)
#define REG_VBAR_EL1  ARM64_SYS_REG(3, 0, 12, 0, 0)
#define REG_ELR_EL1   REG_CORE(elr_el1)
#define REG_SCTLR_EL2 ARM64_SYS_REG(3, 4, 1, 0, 0)
#define REG_TCR_EL2   ARM64_SYS_REG(3, 4, 2, 0, 2)
#define REG_TTBR0_EL2 ARM64_SYS_REG(3, 4, 2, 0, 0)
#define REG_TTBR1_EL2 ARM64_SYS_REG(3, 4, 2, 0, 1)
#define REG_HCR_EL2   ARM64_SYS_REG(3, 4, 1, 1, 0)
#define REG_ELR_EL2   ARM64_SYS_REG(3, 4, 4, 0, 1)
#define REG_ESR_EL2   ARM64_SYS_REG(3, 4, 5, 2, 0)
#define REG_FAR_EL2   ARM64_SYS_REG(3, 4, 6, 0, 0)
#define REG_VBAR_EL2  ARM64_SYS_REG(3, 4, 12, 0, 0)

#define REG_ID_AA64MMFR0_EL1 ARM64_SYS_REG(3, 0, 0, 7, 0)
#define MMFR0_PARANGE	     0xfULL
#define MMFR0_PARANGE_48     5

#define CODE_UNIT 4 /* bytes of an instruction */

#define PSTATE_MODE32 0x10
#define PSTATE_EL(p)  (((p) >> 2) & 3)

#endif
