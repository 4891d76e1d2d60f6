// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints more than lkvm keeps for a reader, and powers off; full.sh has no room for it. */
#include "guest.h"

void guest_main(addr_t boot)
{
	static const char line[] = "a line of the guest's console\n";

	for (u32 i = 0; i < 1000; i++)
		uart_puts(line, sizeof(line) - 1);
	power_off();
}
