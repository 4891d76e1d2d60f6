// SPDX-License-Identifier: GPL-2.0-or-later
/* reboot=t: the kernel says what it does, and faults; reboot-t.sh starts it with and without --reboot. */
#include "guest.h"
#include "lives.h"

void guest_main(addr_t boot)
{
	u32 life = life_begin();

	print("life ");
	put('0' + life);
	print("\r\n");
	if (life == 3)
		power_off();
	print("[   10.000000] reboot: Restarting system\r\n");
	print("[   10.000000] reboot: machine restart\r\n");
	triple_fault();
}
