// SPDX-License-Identifier: GPL-2.0-or-later
// options: --timeout 1
// status: 245
// output: spinning
/* A guest that never leaves the CPU ends by --timeout as well. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("spinning\n");
	for (;;)
		;
}
