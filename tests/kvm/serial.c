// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: Hello from a script
#include "guest.h"

void guest_main(addr_t boot)
{
	print("Hello from a script\n");
	power_off();
}
