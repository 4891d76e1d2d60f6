// SPDX-License-Identifier: GPL-2.0-or-later
// status: 244
// output: adding
// errors: KVM_RUN,pc ,code at
/* An atomic instruction where no memory is: KVM has no answer to it. */
#include "guest.h"

#define NOTHING (BOARD_PVPANIC + 0x1000)

void guest_main(addr_t boot)
{
	print("adding\n");
	__asm__ volatile("amoadd.w zero, %0, (%1)" : : "r"(1), "r"((addr_t)NOTHING) : "memory");
	print("FAIL: still here\n");
	stop();
}
