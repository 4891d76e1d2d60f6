// SPDX-License-Identifier: GPL-2.0-or-later
// options: --reboot -c 2
// status: 0
// output: life 1,life 2,life 3
/*
 * With --reboot a reset begins a new life: RAM is clean, a device's registers are at power-on, the
 * battery-backed CMOS (where the lives are counted) keeps its bytes.
 */
#include "guest.h"

#define COUNT 0x60

static u32 dirty;

void guest_main(u32 start_info)
{
	u32 life = cmos_read(COUNT) + 1;

	CHECK_EQ("memory of an earlier life", dirty, 0);
	CHECK_EQ("memory far away", read32(0x3000000), 0);
	CHECK_EQ("scratch register of an earlier life", inb(COM1 + 7), 0);
	dirty = life;
	write32(0x3000000, life);
	outb(COM1 + 7, life);
	cmos_write(COUNT, life);
	print("life ");
	outb(COM1, '0' + life);
	print("\n");
	if (life < 3)
		outb(0xcf9, 6);
	else
		power_off();
	stop();
}
