// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output:
/* The first thing it does is to end: tests/bench measures start-up with it. */
#include "guest.h"

void guest_main(u32 start_info)
{
	power_off();
}
