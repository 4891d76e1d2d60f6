// SPDX-License-Identifier: GPL-2.0-or-later
// options: --timeout 1
// status: 245
// output: halting
/* A guest that halts for good uses no host time and ends by --timeout. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("halting\n");
	stop();
}
