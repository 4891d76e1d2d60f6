// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: entry ok
/*
 * How a program without an Image header is entered: at RAM + 0x80000, at EL1 with the MMU off and
 * everything masked, the device tree in x0. HVC is the way to PSCI.
 */
#include "guest.h"
#include "fdt.h"

/* What no one serves is answered, not an exception; and SMC, trapped by KVM, says the same. */
static void smccc(void)
{
	long version = smccc_hvc(SMCCC_VERSION, 0, 0, 0);

	if (version < 0x10001)
		fail("SMCCC's version", version);
	CHECK_EQ("a function that is none", smccc_hvc(SMCCC_NONE, 1, 2, 3), SMCCC_NOT_SUPPORTED);
	CHECK_EQ("SMCCC's version by SMC", smccc_smc(SMCCC_VERSION, 0, 0, 0), version);
	CHECK_EQ("a function that is none, by SMC", smccc_smc(SMCCC_NONE, 1, 2, 3),
		 SMCCC_NOT_SUPPORTED);
}

void guest_main(addr_t boot)
{
	const struct start_state *s = &start_state;
	struct fdt_value method, memory;

	CHECK_EQ("the program's place", s->pc, RAM + 0x80000);
	CHECK_EQ("exception level", s->current_el, 1 << 2);
	CHECK_EQ("SPSel", s->spsel, 1);
	CHECK_EQ("DAIF", s->daif, 0xf << 6);
	CHECK_EQ("SCTLR_EL1: MMU and caches", s->sctlr & (1 << 0 | 1 << 2 | 1 << 12), 0);
	for (u32 i = 1; i < 4; i++)
		CHECK_EQ("x1 to x3", s->x[i], 0);
	CHECK_EQ("where the device tree is", boot & 7, 0);
	CHECK_EQ("its magic", be32((void *)boot), FDT_MAGIC);
	if (boot < RAM || boot + fdt_size((void *)boot) > RAM_END)
		fail("the device tree is not in RAM", boot);
	method = fdt_need((void *)boot, "/psci", "method");
	if (!text_is((const char *)method.bytes, "hvc"))
		fail("PSCI's conduit", be32(method.bytes));
	memory = fdt_need((void *)boot, "/memory", "reg");
	CHECK_EQ("memory nodes' cells", memory.len, 16);
	CHECK_EQ("where memory is", be64(memory.bytes), RAM);
	CHECK_EQ("how much memory", be64(memory.bytes + 8), MEMORY_SIZE);
	if (psci(PSCI_VERSION, 0, 0, 0) < 0x10000)
		fail("PSCI's version", psci(PSCI_VERSION, 0, 0, 0));
	smccc();
	print("entry ok\n");
	power_off();
}
