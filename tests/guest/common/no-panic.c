// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: Kernel panic
/* The words alone, as a user may print them, and an orderly reboot: no panic. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("$ grep panic log\n[    1.234567] Kernel panic - not syncing: last week\r\n");
	print("[   10.000000] reboot: Restarting system\r\n");
	reset();
}
