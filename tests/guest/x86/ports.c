// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: ports ok
/* Port exits of every width, string output, and ports where nothing is. */
#include "guest.h"

void guest_main(addr_t boot)
{
	static const char text[] = "ports ok\n";

	CHECK_EQ("nothing at 0x2000, byte", inb(0x2000), 0xff);
	CHECK_EQ("nothing at 0x2000, word", inw(0x2000), 0xffff);
	CHECK_EQ("nothing at 0x2000, long", inl(0x2000), 0xffffffff);
	outl(0x2000, 0x12345678);
	outb(COM1 + 7, 0x5a);
	CHECK_EQ("scratch register", inb(COM1 + 7), 0x5a);
	uart_puts(text, sizeof(text) - 1);
	power_off();
}
