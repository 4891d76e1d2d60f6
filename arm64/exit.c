// SPDX-License-Identifier: GPL-2.0-or-later
/* Exits that only arm64 has, and what is shown of a vCPU when something went wrong. */
#include "arch-vm.h"
#include "lkvm/arch.h"
#include "lkvm/devicetree/ram-board.h"
#include "psci.h"
#include "arch-registers.h"

enum exit_action arch_vcpu_exit(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	if (run->exit_reason == KVM_EXIT_HYPERCALL)
		return psci_call(vcpu);
	if (run->exit_reason != KVM_EXIT_SYSTEM_EVENT)
		return EXIT_ACTION_UNKNOWN;
	switch (run->system_event.type) {
	case KVM_SYSTEM_EVENT_SUSPEND:
		return psci_system_suspend(vcpu);
	case KVM_SYSTEM_EVENT_WAKEUP:
		return psci_wake_up(vcpu);
	}
	return EXIT_ACTION_UNKNOWN;
}

const char *const dump_general[] = {
	"x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",	 "x7",	"x8",  "x9",  "x10",
	"x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21",
	"x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30", NULL,
};

const struct dump_register dump_registers[] = {
	{ "pc", REG_PC },
	{ "pstate", REG_PSTATE },
	{ "sp_el0", REG_SP_EL0 },
	{ "sp_el1", REG_SP_EL1 },
	{ "sctlr_el1", REG_SCTLR_EL1 },
	{ "tcr_el1", REG_TCR_EL1 },
	{ "ttbr0_el1", REG_TTBR0_EL1 },
	{ "ttbr1_el1", REG_TTBR1_EL1 },
	{ "vbar_el1", REG_VBAR_EL1 },
	{ "elr_el1", REG_ELR_EL1 },
	{ "esr_el1", REG_ESR_EL1 },
	{ "far_el1", REG_FAR_EL1 },
	{ "hcr_el2", REG_HCR_EL2 },
	{ "sctlr_el2", REG_SCTLR_EL2 },
	{ "vbar_el2", REG_VBAR_EL2 },
	{ "elr_el2", REG_ELR_EL2 },
	{ "esr_el2", REG_ESR_EL2 },
	{ "far_el2", REG_FAR_EL2 },
};
const unsigned dump_nr_registers = ARRAY_SIZE(dump_registers);
