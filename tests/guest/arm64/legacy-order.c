// SPDX-License-Identifier: GPL-2.0-or-later
// options: --virtio-transport mmio-legacy --rng
// status: 0
// output: EL1 ok,EL0 ok
/* Legacy virtio has the byte order of EL1, or of EL0, whoever resets the device. */
#include "legacy-order.h"

VECTORS(from_el0, GO_BACK("el1", "sctlr_el1"));

static void prepare(struct access *a, u64 bits)
{
	a->sctlr = read_sysreg(sctlr_el1);
	a->other_sctlr = (a->sctlr & ~(SCTLR_M | SCTLR_C)) | bits;
	a->pstate = DAIF_MASKED;
}

static u32 at_el1(struct access *a, u64 bits)
{
	prepare(a, bits);
	if (a->writing)
		return ACCESS_WITH(a, AT_OUR_LEVEL("sctlr_el1", STORE));
	return ACCESS_WITH(a, AT_OUR_LEVEL("sctlr_el1", LOAD));
}

static u32 at_el0(struct access *a, u64 bits)
{
	prepare(a, bits);
	if (a->writing)
		return ACCESS_WITH(a, BELOW("el1", "from_el0", "sctlr_el1", STORE, "svc"));
	return ACCESS_WITH(a, BELOW("el1", "from_el0", "sctlr_el1", LOAD, "svc"));
}

void guest_main(addr_t boot)
{
	legacy_order(&(struct place){ "EL1", at_el1, SCTLR_EE, SCTLR_EE });
	legacy_order(&(struct place){ "EL0", at_el0, SCTLR_E0E, SCTLR_E0E });
	power_off();
}
