// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Extensions by their names in the device tree (kernel binding riscv/extensions) and KVM's numbers, in the order
 * that "riscv,isa" wants.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "isa.h"
#include "registers.h"

static const struct extension {
	const char *name; /* one letter, or more */
	unsigned number;  /* KVM_RISCV_ISA_EXT_* */
} extensions[] = {
	{ "i", KVM_RISCV_ISA_EXT_I },
	{ "m", KVM_RISCV_ISA_EXT_M },
	{ "a", KVM_RISCV_ISA_EXT_A },
	{ "f", KVM_RISCV_ISA_EXT_F },
	{ "d", KVM_RISCV_ISA_EXT_D },
	{ "c", KVM_RISCV_ISA_EXT_C },
	{ "zicntr", KVM_RISCV_ISA_EXT_ZICNTR },
	{ "zicsr", KVM_RISCV_ISA_EXT_ZICSR },
	{ "zifencei", KVM_RISCV_ISA_EXT_ZIFENCEI },
	{ "zba", KVM_RISCV_ISA_EXT_ZBA },
	{ "zbb", KVM_RISCV_ISA_EXT_ZBB },
	{ "zbs", KVM_RISCV_ISA_EXT_ZBS },
	{ "ssaia", KVM_RISCV_ISA_EXT_SSAIA },
	{ "sstc", KVM_RISCV_ISA_EXT_SSTC },
	{ "svinval", KVM_RISCV_ISA_EXT_SVINVAL },
};

int isa_choose(struct vcpu *vcpu)
{
	return 0;
}

static bool has(struct vcpu *vcpu, unsigned number)
{
	u64 value;

	return !vcpu_get_register(vcpu, REG_ISA(number), &value) && value;
}

void isa_fdt(struct fdt_tree *tree, struct vcpu *vcpu)
{
	char isa[512] = "rv64", list[512];
	size_t isa_len = strlen(isa), list_len = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(extensions); i++) {
		const char *name = extensions[i].name;

		if (!has(vcpu, extensions[i].number))
			continue;
		isa_len += snprintf(isa + isa_len, sizeof(isa) - isa_len, "%s%s",
				    name[1] ? "_" : "", name);
		memcpy(list + list_len, name, strlen(name) + 1);
		list_len += strlen(name) + 1;
	}
	fdt_text(tree, "riscv,isa", isa);
	fdt_text(tree, "riscv,isa-base", "rv64i");
	fdt_bytes_of(tree, "riscv,isa-extensions", list, list_len);
}
