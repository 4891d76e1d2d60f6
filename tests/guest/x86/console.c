// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes through COM1, as console.sh tells by the first one: E echoes what follows up to a Q, M prints
 * 100 lines, L as many as fill a pipe and lkvm's own buffer but not more, S prints for ever.
 */
#include "guest.h"

#define IER (COM1 + 1)
#define FCR (COM1 + 2)
#define LSR (COM1 + 5)

static u8 get(void)
{
	while (!(inb(LSR) & 1))
		__asm__ volatile("pause");
	return inb(COM1);
}

/* A string instruction: many bytes in one exit. */
static void lines(u32 nr)
{
	static char line[] = "00000000 a line of the guest's console\n";

	for (u32 i = 0; i < nr; i++) {
		const char *from = line;
		u32 count = sizeof(line) - 1;

		for (unsigned digit = 0; digit < 8; digit++)
			line[digit] = "0123456789abcdef"[(i >> (28 - 4 * digit)) & 15];
		__asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(COM1) : "memory");
	}
}

static void echo(void)
{
	u8 byte;

	do {
		byte = get();
		outb(COM1, byte);
	} while (byte != 'Q');
}

void guest_main(u32 start_info)
{
	u8 what = get(); /* a polling reader without a FIFO */

	outb(FCR, 0x07);
	outb(IER, 0x01);
	if (what == 'E')
		echo();
	if (what == 'M')
		lines(100);
	if (what == 'L')
		lines(1850);
	while (what == 'S')
		lines(1);
	power_off();
}
