// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An interrupt handler as drivers of this UART have: it reads until there is nothing more. With a stdin that
 * never ends it must come to an end nevertheless, often. stdin-flood.sh.
 */
#include "guest.h"

#define IRQ    4
#define ROUNDS 5
#define MANY   1000 /* more than a FIFO or a line has in that time */

static u32 handle(void)
{
	u32 bytes = 0;

	while (uart_read(0, UART_LSR) & UART_LSR_READY) {
		(void)uart_read(0, UART_DATA);
		/* Exits take longer on real hosts, and there is time for more to come. */
		if (++bytes % 4 == 0)
			sleep_ms(1);
		if (bytes == MANY)
			fail("an interrupt without an end, bytes", bytes);
	}
	return bytes;
}

void guest_main(addr_t boot)
{
	u32 bytes = 0;

	uart_write(0, UART_FCR, 0x07);
	uart_write(0, UART_IER, 0x01);
	for (u32 i = 0; i < ROUNDS; i++) {
		while (!scripted_line(IRQ))
			wait_interrupt();
		bytes += handle();
	}
	if (bytes < ROUNDS)
		fail("bytes", bytes);
	print("all work is done\n");
	power_off();
}
