/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The byte order of a vCPU's data accesses (Arm Architecture Reference Manual, SCTLR_ELx.EE and E0E,
 * HCR_EL2.TGE and E2H), decided by nothing but the values of its registers.
 */
#ifndef ARM64_BYTE_ORDER_H
#define ARM64_BYTE_ORDER_H

#include "arch-registers.h"

#define PSTATE_E  BIT(9) /* of AArch32 only */
#define SCTLR_E0E BIT(24)
#define SCTLR_EE  BIT(25)
#define HCR_TGE	  BIT(27)
#define HCR_E2H	  BIT(34)

struct arm64_byte_order {
	u64 pstate;
	u64 sctlr_el1;
	bool has_el2; /* the vCPU has; the next two mean nothing otherwise */
	u64 sctlr_el2;
	u64 hcr_el2;
};

/* A hypervisor that traps general exceptions (TGE) has no EL1: its EL0 is a part of its own world. */
static inline bool arm64_el0_big_endian(const struct arm64_byte_order *cpu)
{
	if (!cpu->has_el2 || !(cpu->hcr_el2 & HCR_TGE))
		return cpu->sctlr_el1 & SCTLR_E0E;
	return cpu->sctlr_el2 & (cpu->hcr_el2 & HCR_E2H ? SCTLR_E0E : SCTLR_EE);
}

static inline bool arm64_is_big_endian(const struct arm64_byte_order *cpu)
{
	if (cpu->pstate & PSTATE_MODE32)
		return cpu->pstate & PSTATE_E;
	switch (PSTATE_EL(cpu->pstate)) {
	case 0:
		return arm64_el0_big_endian(cpu);
	case 2:
		return cpu->has_el2 && (cpu->sctlr_el2 & SCTLR_EE);
	default:
		return cpu->sctlr_el1 & SCTLR_EE;
	}
}

#endif
