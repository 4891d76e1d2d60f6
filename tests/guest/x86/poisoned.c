// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads a page of which the host's memory is broken meanwhile (poisoned.sh): no guest can go on from there. */
#include "guest.h"

#define PAGE 0x2000000U

void guest_main(addr_t boot)
{
	write32(PAGE, 0x12345678);
	write32(PAGE + 0x1000, 0x9abcdef0);
	print("filled\n");
	while (!(uart_read(0, UART_LSR) & UART_LSR_READY))
		;
	CHECK_EQ("the page behind it", read32(PAGE + 0x1000), 0x9abcdef0);
	print("reading\n");
	read32(PAGE);
	print("FAIL: it was read\n");
	power_off();
}
