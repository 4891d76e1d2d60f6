// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: Ready
/* Says so and ends: tests/bench measures start-up with it, under other monitors too. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("Ready\n");
	power_off();
}
