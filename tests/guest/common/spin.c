// SPDX-License-Identifier: GPL-2.0-or-later
// options: --timeout 1 --debug
// status: 245
// output: spinning
// errors: did not end within 1 second,vCPU 0
/* A guest that never leaves the CPU ends by --timeout as well, and with --debug tells where it is. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("spinning\n");
	for (;;)
		cpu_relax();
}
