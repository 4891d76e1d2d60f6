/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What guests at EL2 look at. */
#ifndef GUEST_EL2_H
#define GUEST_EL2_H

#include "fdt.h"

#define HCR_IMO (1ULL << 4)
#define HCR_TGE (1ULL << 27)
#define HCR_E2H (1ULL << 34)

#define EC_HVC 0x16

static volatile u64 el2_esr, el2_elr;

static u32 el2_note(struct exception *e)
{
	el2_esr = e->esr;
	el2_elr = e->elr;
	/* The return address of HVC is behind it already. */
	if (e->esr >> 26 != EC_HVC)
		e->elr += 4;
	return 1;
}

/* HVC, and the exception that it makes; x0 comes back as it was. */
static inline u64 el2_hvc(void)
{
	long x0;

	el2_esr = ~0ULL;
	exception_expected = el2_note;
	x0 = smccc_hvc(PSCI_VERSION, 0, 0, 0);
	exception_expected = 0;
	CHECK_EQ("x0 behind HVC", x0, PSCI_VERSION);
	return el2_esr >> 26;
}

static inline void el2_check_entry(const char *level, u64 el, u64 spsel, u64 daif)
{
	CHECK_EQ(level, el, 2 << 2);
	CHECK_EQ("SPSel", spsel, 1);
	CHECK_EQ("DAIF", daif, 0xf << 6);
}

/*
 * HCR_EL2.E2H by what it does: names of EL1's registers are EL2's then. (What is written to the bit itself
 * KVM gives back, like memory, whichever it takes it for.)
 */
static inline void el2_check_e2h(u64 e2h)
{
	write_sysreg(far_el2, 0x1111000);
	write_sysreg(far_el1, 0x2222000);
	CHECK_EQ("FAR_EL2 after FAR_EL1 was written", read_sysreg(far_el2),
		 e2h ? 0x2222000 : 0x1111000);
	CHECK_EQ("FAR_EL1", read_sysreg(far_el1), 0x2222000);
}

static inline void el2_check_smccc(void)
{
	if (smccc_smc(SMCCC_VERSION, 0, 0, 0) < 0x10001)
		fail("SMCCC's version by SMC", smccc_smc(SMCCC_VERSION, 0, 0, 0));
	CHECK_EQ("a function that is none, by SMC", smccc_smc(SMCCC_NONE, 1, 2, 3),
		 SMCCC_NOT_SUPPORTED);
	CHECK_EQ("a PSCI function that is none, by SMC", psci(PSCI_NONE, 0, 0, 0),
		 PSCI_NOT_SUPPORTED);
}

/* The first CPU, with HCR_EL2.E2H stuck at `e2h`. */
static inline void el2_check(const void *tree, u64 e2h)
{
	const struct start_state *s = &start_state;
	u64 hcr = read_sysreg(hcr_el2);
	u64 mmfr1 = read_sysreg(id_aa64mmfr1_el1), mmfr2 = read_sysreg(id_aa64mmfr2_el1);
	u64 mmfr4 = read_sysreg(S3_0_C0_C7_4), pfr0 = read_sysreg(id_aa64pfr0_el1);

	el2_check_entry("exception level", s->current_el, s->spsel, s->daif);
	CHECK_EQ("SCTLR_EL2: MMU and caches", s->sctlr & (1 << 0 | 1 << 2 | 1 << 12), 0);
	CHECK_EQ("ID_AA64PFR0_EL1.EL2", pfr0 >> 8 & 15, 1);
	CHECK_EQ("ID_AA64MMFR1_EL1.VH", mmfr1 >> 8 & 15, e2h);
	CHECK_EQ("HCR_EL2.E2H", !!(hcr & HCR_E2H), e2h);
	el2_check_e2h(e2h);
	if (e2h) {
		/* No E2H but 1 is there (-1 or -2), and further nesting is. */
		if ((mmfr4 >> 24 & 15) < 14)
			fail("ID_AA64MMFR4_EL1.E2H0", mmfr4);
		if (!(mmfr2 >> 24 & 15) && !(mmfr4 >> 20 & 15))
			fail("FEAT_NV is not offered", mmfr2);
	} else {
		CHECK_EQ("ID_AA64MMFR4_EL1", mmfr4, 0);
		CHECK_EQ("FEAT_NV", mmfr2 >> 24 & 15, 0);
	}
	if (!text_is((const char *)fdt_need(tree, "/psci", "method").bytes, "smc"))
		fail("PSCI's conduit", 0);
	if (psci(PSCI_VERSION, 0, 0, 0) < 0x10000)
		fail("PSCI's version by SMC", psci(PSCI_VERSION, 0, 0, 0));
	el2_check_smccc();
	CHECK_EQ("HVC", el2_hvc(), EC_HVC);
}

#endif
