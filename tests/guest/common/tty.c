// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The second serial port, as tty.sh talks to it through --tty 1: says that it is there, sends back in capitals what comes,
 * ends after a full stop. The first one tells how many bytes there were.
 */
#include "guest.h"

void guest_main(addr_t boot)
{
	u32 bytes = 0;
	u8 byte;

	uart_write(1, UART_FCR, 0x07);
	do {
		while (!(uart_read(1, UART_LSR) & UART_LSR_READY))
			cpu_relax();
		byte = uart_read(1, UART_DATA);
		uart_write(1, UART_DATA, byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte);
		bytes++;
	} while (byte != '.');
	print("bytes: ");
	print_hex(bytes);
	print("\n");
	power_off();
}
