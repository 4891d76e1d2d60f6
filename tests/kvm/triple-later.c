// SPDX-License-Identifier: GPL-2.0-or-later
// status: 243
/* A guest that goes on after it has printed that it restarts, and falls later, does not restart. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("reboot: Restarting system\n");
	for (int i = 0; i < 120; i++)
		print("busy\n");
	triple_fault();
}
