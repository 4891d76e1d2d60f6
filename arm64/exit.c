// SPDX-License-Identifier: GPL-2.0-or-later
/* Exits that only arm64 has, and what is shown of a vCPU when something went wrong. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "arch-vm.h"
#include "lkvm/arch.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"
#include "lkvm/vm/registers.h"
#include "psci.h"
#include "registers.h"

#define LL(x) ((unsigned long long)(x))

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

static void say_general(struct text *text, struct vcpu *vcpu)
{
	u64 value;

	for (unsigned i = 0; i < 31; i++) {
		if (vcpu_get_register(vcpu, REG_X(i), &value))
			continue;
		text_add(text, "x%-2u %016llx%s", i, LL(value), i % 4 == 3 ? "\n" : "  ");
	}
	text_add(text, "\n");
}

static void say_system(struct text *text, struct vcpu *vcpu)
{
	static const struct row {
		const char *name;
		u64 id;
		bool el2;
	} rows[] = {
		{ "pc", REG_PC, false },
		{ "pstate", REG_PSTATE, false },
		{ "sp_el0", REG_SP_EL0, false },
		{ "sp_el1", REG_SP_EL1, false },
		{ "sctlr_el1", REG_SCTLR_EL1, false },
		{ "tcr_el1", REG_TCR_EL1, false },
		{ "ttbr0_el1", REG_TTBR0_EL1, false },
		{ "ttbr1_el1", REG_TTBR1_EL1, false },
		{ "vbar_el1", REG_VBAR_EL1, false },
		{ "elr_el1", REG_ELR_EL1, false },
		{ "esr_el1", REG_ESR_EL1, false },
		{ "far_el1", REG_FAR_EL1, false },
		{ "hcr_el2", REG_HCR_EL2, true },
		{ "sctlr_el2", REG_SCTLR_EL2, true },
		{ "vbar_el2", REG_VBAR_EL2, true },
		{ "elr_el2", REG_ELR_EL2, true },
		{ "esr_el2", REG_ESR_EL2, true },
		{ "far_el2", REG_FAR_EL2, true },
	};
	unsigned n = 0;
	u64 value;

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].el2 && !vcpu->vm->config->arch.nested)
			continue;
		if (vcpu_get_register(vcpu, rows[i].id, &value))
			continue;
		text_add(text, "%-9s %016llx%s", rows[i].name, LL(value), ++n % 3 ? "  " : "\n");
	}
	if (n % 3)
		text_add(text, "\n");
}

/* With the MMU on the address is not a physical one, and only the guest's kernel knows it. */
static void say_code(struct text *text, struct vcpu *vcpu)
{
	u64 pc;
	le32 words[4];

	/* A protected guest's is not there to be looked at. */
	if (vcpu->vm->private_memory || vcpu_get_register(vcpu, REG_PC, &pc))
		return;
	text_add(text, "code at %016llx:", LL(pc));
	if (guest_read(&vcpu->vm->memory, pc, words, sizeof(words)))
		text_add(text, " (not a physical address of memory)");
	for (unsigned i = 0; i < 4 && !guest_read(&vcpu->vm->memory, pc, words, sizeof(words)); i++)
		text_add(text, " %08x", le32toh(words[i]));
	text_add(text, "\n");
}

void arch_vcpu_dump(struct vcpu *vcpu)
{
	struct text text = { .len = 0 };

	text_add(&text, "vCPU %u\n", vcpu->id);
	say_general(&text, vcpu);
	say_system(&text, vcpu);
	say_code(&text, vcpu);
	log_text(text.bytes);
}
