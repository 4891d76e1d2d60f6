// SPDX-License-Identifier: GPL-2.0-or-later
// status: 243
// output: falling
#include "guest.h"

void guest_main(addr_t boot)
{
	print("falling\n");
	triple_fault();
}
