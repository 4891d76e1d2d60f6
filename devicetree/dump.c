// SPDX-License-Identifier: GPL-2.0-or-later
#include <endian.h>
#include <string.h>

#include "lkvm/arch.h"
#include "lkvm/devicetree/ram-board.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"
#include "lkvm/vm/registers.h"
#include "lkvm/vm/vm.h"
#include "arch-registers.h"

#define LL(x)	((unsigned long long)(x))
#define COLUMNS 4

static void add_register(struct text *text, struct vcpu *vcpu, const char *name, u64 id,
			 unsigned *n)
{
	u64 value;

	if (!vcpu_get_register(vcpu, id, &value))
		text_add(text, "%-9s %016llx%s", name, LL(value), ++*n % COLUMNS ? "  " : "\n");
}

static void end_line(struct text *text, unsigned *n)
{
	if (*n % COLUMNS)
		text_add(text, "\n");
	*n = 0;
}

static void add_registers(struct text *text, struct vcpu *vcpu)
{
	unsigned n = 0;

	for (unsigned i = 0; dump_general[i]; i++)
		add_register(text, vcpu, dump_general[i], REG_X(i), &n);
	end_line(text, &n);
	for (unsigned i = 0; i < dump_nr_registers; i++)
		add_register(text, vcpu, dump_registers[i].name, dump_registers[i].id, &n);
	end_line(text, &n);
}

/* With the MMU on the address is not a physical one, and only the guest's kernel knows it. */
static void add_code(struct text *text, struct vcpu *vcpu)
{
	u8 code[16];
	u64 pc;

	/* A protected guest's is not there to be looked at. */
	if (vcpu->vm->private_memory || vcpu_get_register(vcpu, REG_PC, &pc))
		return;
	text_add(text, "code at %016llx:", LL(pc));
	if (guest_read(&vcpu->vm->memory, pc, code, sizeof(code))) {
		text_add(text, " (not a physical address of memory)\n");
		return;
	}
	for (unsigned i = 0; i < sizeof(code); i += CODE_UNIT) {
		le32 unit = 0;

		memcpy(&unit, code + i, CODE_UNIT);
		text_add(text, " %0*x", 2 * CODE_UNIT, le32toh(unit));
	}
	text_add(text, "\n");
}

void arch_vcpu_dump(struct vcpu *vcpu)
{
	struct text text = { .len = 0 };

	text_add(&text, "vCPU %u\n", vcpu->id);
	add_registers(&text, vcpu);
	add_code(&text, vcpu);
	log_text(text.bytes);
}
