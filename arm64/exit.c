// SPDX-License-Identifier: GPL-2.0-or-later
/* Exits that only arm64 has, and what is shown of a vCPU when something went wrong. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "arm64-vm.h"
#include "lkvm/arch.h"
#include "lkvm/log.h"
#include "psci.h"
#include "registers.h"

#define LL(x) ((unsigned long long)(x))

int arm64_get_register(struct vcpu *vcpu, u64 id, u64 *value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (u64)(uintptr_t)value };

	return ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg) ? -errno : 0;
}

int arm64_set_register(struct vcpu *vcpu, u64 id, u64 value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (u64)(uintptr_t)&value };

	return ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg) ? -errno : 0;
}

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

/* Collected and written at once, so that two vCPUs' dumps do not mix. */
struct text {
	char bytes[4096];
	size_t len;
};

static void say(struct text *text, const char *fmt, ...) __printf(2, 3);

static void say(struct text *text, const char *fmt, ...)
{
	size_t room = sizeof(text->bytes) - text->len;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text->bytes + text->len, room, fmt, args);
	va_end(args);
	if (len > 0)
		text->len += MIN((size_t)len, room - 1);
}

static void say_general(struct text *text, struct vcpu *vcpu)
{
	u64 value;

	for (unsigned i = 0; i < 31; i++) {
		if (arm64_get_register(vcpu, REG_X(i), &value))
			continue;
		say(text, "x%-2u %016llx%s", i, LL(value), i % 4 == 3 ? "\n" : "  ");
	}
	say(text, "\n");
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
		if (arm64_get_register(vcpu, rows[i].id, &value))
			continue;
		say(text, "%-9s %016llx%s", rows[i].name, LL(value), ++n % 3 ? "  " : "\n");
	}
	if (n % 3)
		say(text, "\n");
}

/* With the MMU on the address is not a physical one, and only the guest's kernel knows it. */
static void say_code(struct text *text, struct vcpu *vcpu)
{
	u64 pc;
	le32 words[4];

	/* A protected guest's is not there to be looked at. */
	if (vcpu->vm->private_memory || arm64_get_register(vcpu, REG_PC, &pc))
		return;
	say(text, "code at %016llx:", LL(pc));
	if (guest_read(&vcpu->vm->memory, pc, words, sizeof(words)))
		say(text, " (not a physical address of memory)");
	for (unsigned i = 0; i < 4 && !guest_read(&vcpu->vm->memory, pc, words, sizeof(words)); i++)
		say(text, " %08x", le32toh(words[i]));
	say(text, "\n");
}

void arch_vcpu_dump(struct vcpu *vcpu)
{
	struct text text = { .len = 0 };

	say(&text, "vCPU %u\n", vcpu->id);
	say_general(&text, vcpu);
	say_system(&text, vcpu);
	say_code(&text, vcpu);
	log_text(text.bytes);
}
