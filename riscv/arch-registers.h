/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KVM's numbers for a vCPU's registers, all of 64 bits: vcpu_get_register(), vcpu_set_register(). */
#ifndef RISCV_REGISTERS_H
#define RISCV_REGISTERS_H

#include <linux/kvm.h>
#include "lkvm/vm/vcpu.h"
#include "uapi/kvm-riscv.h"

#define REG_U64(type, number) (KVM_REG_RISCV | KVM_REG_SIZE_U64 | (type) | (number))

#define REG_CONFIG(name) REG_U64(KVM_REG_RISCV_CONFIG, KVM_REG_RISCV_CONFIG_REG(name))
#define REG_CONFIG_ZICBOP_BLOCK_SIZE                                                               \
	REG_U64(KVM_REG_RISCV_CONFIG, KVM_REG_RISCV_CONFIG_ZICBOP_BLOCK_SIZE)
#define REG_CORE(name) REG_U64(KVM_REG_RISCV_CORE, KVM_REG_RISCV_CORE_REG(name))
#define REG_CSR(name)                                                                              \
	REG_U64(KVM_REG_RISCV_CSR | KVM_REG_RISCV_CSR_GENERAL, KVM_REG_RISCV_CSR_REG(name))
#define REG_TIMER(name) REG_U64(KVM_REG_RISCV_TIMER, KVM_REG_RISCV_TIMER_REG(name))
#define REG_ISA(number) REG_U64(KVM_REG_RISCV_ISA_EXT | KVM_REG_RISCV_ISA_SINGLE, number)
#define REG_SBI(number) REG_U64(KVM_REG_RISCV_SBI_EXT | KVM_REG_RISCV_SBI_SINGLE, number)

/* General registers are numbered as the core has them, with the program counter in x0's place. */
#define REG_PC	 REG_CORE(regs.pc)
#define REG_X(n) (REG_PC + (n))
#define REG_A0	 REG_CORE(regs.a0)
#define REG_A1	 REG_CORE(regs.a1)

#define CODE_UNIT 2 /* bytes of the shortest instruction */

#endif
