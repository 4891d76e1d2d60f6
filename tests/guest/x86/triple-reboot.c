// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: Restarting system
/* reboot=t: a triple fault that the kernel has told of is a reset. */
#include "guest.h"
#include "triple.h"

void guest_main(addr_t boot)
{
	print("[   10.000000] reboot: Restarting system\r\n");
	triple_fault();
}
