// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: resetting
/* PSCI's SYSTEM_RESET without --reboot ends lkvm with 0. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("resetting\n");
	reset();
}
