// SPDX-License-Identifier: GPL-2.0-or-later
/* Exits that only riscv64 has, and what is shown of a vCPU when something went wrong. */
#include "csr.h"
#include "lkvm/arch.h"
#include "lkvm/devicetree/ram-board.h"
#include "arch-registers.h"
#include "arch-vm.h"
#include "sbi.h"

enum exit_action arch_vcpu_exit(struct vcpu *vcpu)
{
	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_RISCV_SBI:
		return sbi_call(vcpu) ? EXIT_ACTION_CONTINUE : EXIT_ACTION_STOP;
	case KVM_EXIT_RISCV_CSR:
		csr_access(vcpu);
		return EXIT_ACTION_CONTINUE;
	}
	return EXIT_ACTION_UNKNOWN;
}

const char *const dump_general[] = {
	"pc", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
	"a1", "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
	"s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6", NULL,
};

const struct dump_register dump_registers[] = {
	{ "mode", REG_CORE(mode) },	   { "sstatus", REG_CSR(sstatus) },
	{ "stvec", REG_CSR(stvec) },	   { "sepc", REG_CSR(sepc) },
	{ "scause", REG_CSR(scause) },	   { "stval", REG_CSR(stval) },
	{ "satp", REG_CSR(satp) },	   { "sie", REG_CSR(sie) },
	{ "sip", REG_CSR(sip) },	   { "sscratch", REG_CSR(sscratch) },
	{ "senvcfg", REG_CSR(senvcfg) },   { "time", REG_TIMER(time) },
	{ "timecmp", REG_TIMER(compare) }, { "timer", REG_TIMER(state) },
};
const unsigned dump_nr_registers = ARRAY_SIZE(dump_registers);
