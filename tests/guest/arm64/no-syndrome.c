// SPDX-License-Identifier: GPL-2.0-or-later
// status: 244
// output: loading
// errors: KVM_RUN,pc ,code at
/* A load of two registers from no memory: the CPU does not tell KVM what it would have to emulate. */
#include "guest.h"

void guest_main(addr_t boot)
{
	u64 a, b;

	print("loading\n");
	__asm__ volatile("ldp %0, %1, [%2]" : "=r"(a), "=r"(b) : "r"(BOARD_PVPANIC));
	print("FAIL: still here\n");
	stop();
}
