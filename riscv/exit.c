// SPDX-License-Identifier: GPL-2.0-or-later
/* Exits that only riscv64 has, and what is shown of a vCPU when something went wrong. */
#include <endian.h>
#include <string.h>

#include "csr.h"
#include "lkvm/arch.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"
#include "lkvm/vm/registers.h"
#include "registers.h"
#include "arch-vm.h"
#include "sbi.h"

#define LL(x) ((unsigned long long)(x))

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

/* ---- registers ---- */

static void add_general(struct text *text, struct vcpu *vcpu)
{
	static const char *const names[] = {
		"pc", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
		"a1", "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
		"s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
	};
	u64 value;

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (vcpu_get_register(vcpu, REG_X(i), &value))
			continue;
		text_add(text, "%-3s %016llx%s", names[i], LL(value), i % 4 == 3 ? "\n" : "  ");
	}
}

static void add_system(struct text *text, struct vcpu *vcpu)
{
	static const struct row {
		const char *name;
		u64 id;
	} rows[] = {
		{ "mode", REG_CORE(mode) },	   { "sstatus", REG_CSR(sstatus) },
		{ "stvec", REG_CSR(stvec) },	   { "sepc", REG_CSR(sepc) },
		{ "scause", REG_CSR(scause) },	   { "stval", REG_CSR(stval) },
		{ "satp", REG_CSR(satp) },	   { "sie", REG_CSR(sie) },
		{ "sip", REG_CSR(sip) },	   { "sscratch", REG_CSR(sscratch) },
		{ "senvcfg", REG_CSR(senvcfg) },   { "time", REG_TIMER(time) },
		{ "timecmp", REG_TIMER(compare) }, { "timer", REG_TIMER(state) },
	};
	unsigned n = 0;
	u64 value;

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		if (vcpu_get_register(vcpu, rows[i].id, &value))
			continue;
		text_add(text, "%-8s %016llx%s", rows[i].name, LL(value), ++n % 3 ? "  " : "\n");
	}
	if (n % 3)
		text_add(text, "\n");
}

/* With paging on the address is not a physical one, and only the guest's kernel knows it. */
static void add_code(struct text *text, struct vcpu *vcpu)
{
	le16 parcels[8];
	u64 pc;

	if (vcpu_get_register(vcpu, REG_PC, &pc))
		return;
	text_add(text, "code at %016llx:", LL(pc));
	if (guest_read(&vcpu->vm->memory, pc, parcels, sizeof(parcels))) {
		text_add(text, " (not a physical address of memory)\n");
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(parcels); i++)
		text_add(text, " %04x", le16toh(parcels[i]));
	text_add(text, "\n");
}

void arch_vcpu_dump(struct vcpu *vcpu)
{
	struct text text = { .len = 0 };

	text_add(&text, "vCPU %u\n", vcpu->id);
	add_general(&text, vcpu);
	add_system(&text, vcpu);
	add_code(&text, vcpu);
	log_text(text.bytes);
}
