// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: seed ok
/* The entropy source (Zkr): 16 bits at a time, not the same ones; and a CSR that there is not traps. */
#include "guest.h"

#define ILLEGAL	  2
#define OPST(x)	  ((x) >> 30 & 3)
#define OPST_ES16 2

void guest_main(addr_t boot)
{
	u32 seen = 0, first = 0, differ = 0;
	u64 value;

	while (seen < 64) {
		__asm__ volatile("csrrw %0, 0x015, x0" : "=r"(value) : : "memory");
		if (OPST(value) != OPST_ES16)
			continue;
		CHECK_EQ("reserved bits", value >> 32, 0);
		if (!seen++)
			first = value;
		differ += (u16)value != (u16)first;
	}
	if (!differ)
		fail("always the same entropy", first);
	trap_expected = ILLEGAL;
	__asm__ volatile("csrrw x0, 0x5c0, x0" : : : "memory");
	CHECK_EQ("traps", traps, 1);
	print("seed ok\n");
	power_off();
}
