// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * COM2, as tty.sh talks to it through --tty 1: says that it is there, sends back in capitals what comes,
 * ends after a full stop. COM1 tells how many bytes there were.
 */
#include "guest.h"

#define COM2 0x2f8
#define LSR  (COM2 + 5)

void guest_main(u32 start_info)
{
	u32 bytes = 0;
	u8 byte;

	outb(COM2 + 2, 0x07);
	do {
		while (!(inb(LSR) & 1))
			__asm__ volatile("pause");
		byte = inb(COM2);
		outb(COM2, byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte);
		bytes++;
	} while (byte != '.');
	print("bytes: ");
	print_hex(bytes);
	print("\n");
	power_off();
}
