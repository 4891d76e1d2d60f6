// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: resetting
/* A reset through the register that the FADT names ends lkvm with 0. */
#include "guest.h"

void guest_main(u32 start_info)
{
	print("resetting\n");
	outb(ACPI_RESET, 1);
	print("FAIL: still here\n");
	stop();
}
