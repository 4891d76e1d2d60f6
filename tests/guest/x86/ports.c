// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: ports ok
/* Port exits of every width, string output, and ports where nothing is. */
#include "guest.h"

void guest_main(addr_t boot)
{
	static const char text[] = "ports ok\n";
	const char *from = text;
	u32 count = sizeof(text) - 1;

	CHECK_EQ("nothing at 0x2000, byte", inb(0x2000), 0xff);
	CHECK_EQ("nothing at 0x2000, word", inw(0x2000), 0xffff);
	CHECK_EQ("nothing at 0x2000, long", inl(0x2000), 0xffffffff);
	outl(0x2000, 0x12345678);
	outb(COM1 + 7, 0x5a);
	CHECK_EQ("scratch register", inb(COM1 + 7), 0x5a);
	__asm__ volatile("cld; rep outsb" : "+S"(from), "+c"(count) : "d"((u16)COM1) : "memory");
	power_off();
}
