// SPDX-License-Identifier: GPL-2.0-or-later
/* With --reboot a reset begins a new life: RAM is clean, a device's registers are at power-on. */
#include "lives.h"

#define FAR (RAM + 0x3000000UL)

static u32 dirty;

void guest_main(addr_t boot)
{
	u32 life;

	CHECK_EQ("memory of an earlier life", dirty, 0);
	CHECK_EQ("memory far away", read32(FAR), 0);
	CHECK_EQ("scratch register of an earlier life", uart_read(0, UART_SCRATCH), 0);
	life = life_begin();
	dirty = life;
	write32(FAR, life);
	uart_write(0, UART_SCRATCH, life);
	print("life ");
	put('0' + life);
	print("\n");
	if (life < 3)
		reset();
	power_off();
}
