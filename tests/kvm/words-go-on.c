// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: still here
/* Lines of old logs, of a panic and of a halt: the guest that prints them goes on. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("[    1.234567] Kernel panic - not syncing: last week\r\n");
	print("[    1.234600] ---[ end Kernel panic - not syncing: last week ]---\r\n");
	/* Waits for interrupts, as an idle kernel does: enough looks for what does not. */
	sleep_ms(800);
	print("[    9.000000] reboot: System halted\r\n");
	sleep_ms(250);
	/* Busy: */
	for (int i = 0; i < 20; i++) {
		print("reboot: System halted\r\n");
		cpu_relax();
	}
	print("still here\n");
	power_off();
}
