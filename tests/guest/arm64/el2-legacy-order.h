/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The places at and below EL2. SCTLR_EL1 is the register itself: EL1_SCTLR is its name at EL2. */
#ifndef GUEST_EL2_LEGACY_ORDER_H
#define GUEST_EL2_LEGACY_ORDER_H

#include "legacy-order.h"

#define HCR_TGE (1ULL << 27)
#define HCR_RW	(1ULL << 31)
#define HCR_E2H (1ULL << 34)

#define EL1H 5

/* EL0 that belongs to EL2, and whatever is under EL1; what EL1's EL0 raises EL1 hands on. */
VECTORS(from_host_el0, GO_BACK("el2", "sctlr_el2"));
VECTORS(from_el1, GO_BACK("el2", EL1_SCTLR));
VECTORS(el1_hands_on, "	hvc #0\n");

static void prepare(struct access *a, u64 sctlr, u64 bits, u64 pstate)
{
	a->sctlr = sctlr;
	a->other_sctlr = (sctlr & ~(SCTLR_M | SCTLR_C)) | bits;
	a->pstate = DAIF_MASKED | pstate;
}

static u32 at_el2(struct access *a, u64 bits)
{
	prepare(a, read_sysreg(sctlr_el2), bits, 0);
	if (a->writing)
		return ACCESS_WITH(a, AT_OUR_LEVEL("sctlr_el2", STORE));
	return ACCESS_WITH(a, AT_OUR_LEVEL("sctlr_el2", LOAD));
}

/* HCR_EL2.TGE is set. */
static u32 at_host_el0(struct access *a, u64 bits)
{
	prepare(a, read_sysreg(sctlr_el2), bits, 0);
	if (a->writing)
		return ACCESS_WITH(a, BELOW("el2", "from_host_el0", "sctlr_el2", STORE, "svc"));
	return ACCESS_WITH(a, BELOW("el2", "from_host_el0", "sctlr_el2", LOAD, "svc"));
}

/* HCR_EL2.TGE is clear, here and below. */
static u32 at_el1(struct access *a, u64 bits)
{
	prepare(a, EL1_READ_SCTLR, bits, EL1H);
	if (a->writing)
		return ACCESS_WITH(a, BELOW("el2", "from_el1", EL1_SCTLR, STORE, "hvc"));
	return ACCESS_WITH(a, BELOW("el2", "from_el1", EL1_SCTLR, LOAD, "hvc"));
}

static u32 at_el0(struct access *a, u64 bits)
{
	u64 vectors;

	__asm__("adr %0, el1_hands_on" : "=r"(vectors));
	EL1_WRITE_VBAR(vectors);
	prepare(a, EL1_READ_SCTLR, bits, 0);
	if (a->writing)
		return ACCESS_WITH(a, BELOW("el2", "from_el1", EL1_SCTLR, STORE, "svc"));
	return ACCESS_WITH(a, BELOW("el2", "from_el1", EL1_SCTLR, LOAD, "svc"));
}

static void guest_of_el2(void)
{
	legacy_order(&(struct place){ "EL1 under EL2", at_el1, SCTLR_EE, SCTLR_EE });
	legacy_order(&(struct place){ "EL0 under EL1", at_el0, SCTLR_E0E, SCTLR_E0E });
}

#endif
