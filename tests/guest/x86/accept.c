// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Takes 4 MiB into private memory in one call, and then touches each page, as a kernel does that accepts memory. It
 * says how far it is and waits for a byte, so that somebody can count the host's faults in between (accept.sh).
 */
#include "private.h"

#define AREA  0x2000000U
#define PAGES 1024U

static void wait_for_host(const char *said)
{
	print(said);
	while (!(uart_read(0, UART_LSR) & UART_LSR_READY))
		;
	(void)uart_read(0, UART_DATA);
}

void guest_main(addr_t boot)
{
	wait_for_host("begin\n");
	convert(AREA, PAGES, PRIVATE);
	wait_for_host("converted\n");
	for (u32 i = 0; i < PAGES; i++)
		*(volatile u32 *)(AREA + i * PAGE) = i;
	wait_for_host("touched\n");
	for (u32 i = 0; i < PAGES; i++)
		CHECK_EQ("a page", *(volatile u32 *)(AREA + i * PAGE), i);
	print("accept ok\n");
	power_off();
}
