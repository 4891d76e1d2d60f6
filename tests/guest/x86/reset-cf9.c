// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: resetting
/* A reset through port 0xcf9 ends lkvm with 0. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("resetting\n");
	outb(0xcf9, 6);
	print("FAIL: still here\n");
	stop();
}
