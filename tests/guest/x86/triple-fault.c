// SPDX-License-Identifier: GPL-2.0-or-later
// status: 243
// output: faulting
/* No interrupt table, then an exception: the CPU shuts down. */
#include "guest.h"

void guest_main(addr_t boot)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) nothing = { 0, 0 };

	print("faulting\n");
	__asm__ volatile("lidt %0; mov %1, %%ds" : : "m"(nothing), "r"(0x80));
	print("FAIL: still here\n");
	stop();
}
