// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "isa.h"
#include "lkvm/boot/fdt.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/registers.h"
#include "lkvm/vm/vm.h"
#include "arch-registers.h"

struct extension {
	u8 id;
	const char *name;
	bool min;
	u8 needs; /* itself: nothing */
};

#define EXTENSION(number, name_, min_, needs_) { number, #name_, min_, ISA_##needs_ },
static const struct extension table[] = { RISCV_ISA_TABLE(EXTENSION) };

_Static_assert(ARRAY_SIZE(table) == RISCV_ISA_MAX, "an extension is missing");
/* Those at the ends of what headers of Linux 6.12 name. */
_Static_assert(ISA_a == (int)KVM_RISCV_ISA_EXT_A && ISA_zicbom == (int)KVM_RISCV_ISA_EXT_ZICBOM &&
		       ISA_v == (int)KVM_RISCV_ISA_EXT_V &&
		       ISA_zawrs == (int)KVM_RISCV_ISA_EXT_ZAWRS,
	       "KVM's numbers");

static const struct extension *isa_find(unsigned id)
{
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		if (table[i].id == id)
			return &table[i];
	}
	return NULL;
}

static bool wanted_itself(const struct riscv_isa_config *config, const struct extension *e)
{
	return !config->disabled[e->id] && (config->cpu_type == RISCV_CPU_MAX || e->min);
}

bool isa_wanted(const struct riscv_isa_config *config, enum riscv_isa_id id)
{
	const struct extension *e = isa_find(id);

	/* The base is what the others extend. */
	if (id == ISA_i)
		return true;
	/* D without F, say: kernels would complain about such CPUs. */
	while (e && wanted_itself(config, e)) {
		if (e->needs == e->id)
			return true;
		e = isa_find(e->needs);
	}
	return false;
}

static void take_away(struct vcpu *vcpu, const struct riscv_isa_config *config,
		      const struct extension *e)
{
	if (!vcpu_set_register(vcpu, REG_ISA(e->id), 0) || vcpu->id)
		return;
	/* What follows from something else was not asked for by name. */
	if (config->disabled[e->id])
		log_warning("--disable-%s: the host cannot keep a guest from using it; the guest "
			    "is only not told of it%s",
			    e->name, e->id == ISA_sstc ? ", and may lose timers" : "");
}

/* A size that cannot be had is one that this KVM does not tell: the guest then takes its default. */
static u32 block_size(struct vcpu *vcpu, bool there, u64 id)
{
	u64 size = 0;

	if (!there || vcpu_get_register(vcpu, id, &size))
		return 0;
	return size;
}

int isa_init(struct vcpu *vcpu)
{
	const struct riscv_isa_config *config = &vcpu->vm->config->arch.isa;
	struct riscv_isa *isa = &vcpu->arch.isa;

	memset(isa, 0, sizeof(*isa));
	if (config->disabled[ISA_i] && !vcpu->id)
		log_warning(
			"--disable-i: there is no CPU without its base instructions; they stay");
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		const struct extension *e = &table[i];
		u64 there = 0;

		/* A KVM that does not know it does not give it either. */
		if (vcpu_get_register(vcpu, REG_ISA(e->id), &there) || !there)
			continue;
		if (isa_wanted(config, e->id))
			isa->has[e->id] = true;
		else
			take_away(vcpu, config, e);
	}
	if (!isa->has[ISA_i]) {
		log_fatal("vCPU %u: KVM does not tell what it can do", vcpu->id);
		return -ENODEV;
	}
	isa->cbom_size = block_size(vcpu, isa->has[ISA_zicbom], REG_CONFIG(zicbom_block_size));
	isa->cbop_size = block_size(vcpu, isa->has[ISA_zicbop], REG_CONFIG_ZICBOP_BLOCK_SIZE);
	isa->cboz_size = block_size(vcpu, isa->has[ISA_zicboz], REG_CONFIG(zicboz_block_size));
	return 0;
}

static bool is_letter(const struct extension *e)
{
	return !e->name[1];
}

void isa_string(const struct riscv_isa *isa, char *text)
{
	size_t len = snprintf(text, RISCV_ISA_STRING_MAX, "rv64");

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		const struct extension *e = &table[i];

		if (isa->has[e->id])
			len += snprintf(text + len, RISCV_ISA_STRING_MAX - len, "%s%s",
					is_letter(e) ? "" : "_", e->name);
	}
}

/* Strings one behind the other, each with its 0. Their size. */
static size_t isa_list(const struct riscv_isa *isa, char *text)
{
	size_t len = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		if (isa->has[table[i].id])
			len += snprintf(text + len, RISCV_ISA_STRING_MAX - len, "%s",
					table[i].name) +
			       1;
	}
	return len;
}

static void block_property(struct fdt_tree *tree, const char *name, u32 size)
{
	if (size)
		fdt_u32(tree, name, size);
}

void isa_fdt(struct fdt_tree *tree, const struct riscv_isa *isa)
{
	char text[RISCV_ISA_STRING_MAX];
	size_t len;

	isa_string(isa, text);
	fdt_text(tree, "riscv,isa", text);
	fdt_text(tree, "riscv,isa-base", "rv64i");
	len = isa_list(isa, text);
	fdt_bytes_of(tree, "riscv,isa-extensions", text, len);
	block_property(tree, "riscv,cbom-block-size", isa->cbom_size);
	block_property(tree, "riscv,cbop-block-size", isa->cbop_size);
	block_property(tree, "riscv,cboz-block-size", isa->cboz_size);
}
