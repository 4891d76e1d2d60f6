// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: resetting
/* A reset through the register that the FADT names ends lkvm with 0. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("resetting\n");
	outb(ACPI_RESET, 1);
	print("FAIL: still here\n");
	stop();
}
