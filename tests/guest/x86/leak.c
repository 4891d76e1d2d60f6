// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For a host that looks at the guest's mapping while the guest stands still (leak.sh): how many pages it sees
 * that begin as secrets do. The guest says how far it is and waits for a byte.
 */
#include "private-hammer.h"

#define MANY 2048U /* pages, 8 MiB */

static void wait_for_host(const char *said)
{
	print(said);
	while (!(uart_read(0, UART_LSR) & UART_LSR_READY))
		;
	(void)uart_read(0, UART_DATA);
}

static void fill_many(void)
{
	for (u32 i = 0; i < MANY; i++)
		fill(AREA + i * PAGE, SECRET);
}

void guest_main(addr_t boot)
{
	fill_many();
	wait_for_host("all shared\n");
	convert(AREA, MANY, PRIVATE);
	wait_for_host("private and empty\n");
	fill_many();
	wait_for_host("private and full\n");
	convert(AREA, MANY / 2, SHARED);
	wait_for_host("half shared\n");
	convert(AREA, MANY, SHARED);
	for (u32 i = 0; i < MANY; i += 64)
		check_zero("shared again", AREA + i * PAGE);
	wait_for_host("shared again\n");
	hammer_waits = 1;
	hammer_both(150);
	(void)uart_read(0, UART_DATA);
	wait_for_host("hammered\n");
	power_off();
}
