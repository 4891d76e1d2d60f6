// SPDX-License-Identifier: GPL-2.0-or-later
/* Waits for interrupts that never come; halted.sh looks at it, pauses it and ends it. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("halted\n");
	for (;;)
		wait_interrupt();
}
