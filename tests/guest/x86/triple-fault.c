// SPDX-License-Identifier: GPL-2.0-or-later
// status: 243
// output: faulting
/* A triple fault that nobody has told of. */
#include "guest.h"
#include "triple.h"

void guest_main(addr_t boot)
{
	print("faulting\n");
	triple_fault();
}
