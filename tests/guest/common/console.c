// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes through the serial port, as console.sh tells by the first one: E echoes what follows up to a Q, M prints
 * 100 lines, P more than a page but not more than lkvm's own buffer has room for, L about as many as a pipe and
 * that buffer, S prints for ever.
 */
#include "guest.h"

static u8 get(void)
{
	while (!(uart_read(0, UART_LSR) & UART_LSR_READY))
		cpu_relax();
	return uart_read(0, UART_DATA);
}

static void lines(u32 nr)
{
	static char line[] = "00000000 a line of the guest's console\n";

	for (u32 i = 0; i < nr; i++) {
		for (unsigned digit = 0; digit < 8; digit++)
			line[digit] = "0123456789abcdef"[(i >> (28 - 4 * digit)) & 15];
		uart_puts(line, sizeof(line) - 1);
	}
}

static void echo(void)
{
	u8 byte;

	do {
		byte = get();
		uart_write(0, UART_DATA, byte);
	} while (byte != 'Q');
}

void guest_main(addr_t boot)
{
	u8 what = get(); /* a polling reader without a FIFO */

	uart_write(0, UART_FCR, 0x07);
	uart_write(0, UART_IER, 0x01);
	if (what == 'E')
		echo();
	if (what == 'M')
		lines(100);
	if (what == 'P')
		lines(200);
	if (what == 'L')
		lines(1850);
	while (what == 'S')
		lines(1);
	power_off();
}
