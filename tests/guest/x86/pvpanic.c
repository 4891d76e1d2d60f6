// SPDX-License-Identifier: GPL-2.0-or-later
// status: 242
// output: panicking
/* pvpanic's port: what it can do, and a panic. */
#include "guest.h"

void guest_main(u32 start_info)
{
	if (!(inb(BOARD_PORT_PVPANIC) & 1))
		fail("pvpanic does not offer PANICKED", inb(BOARD_PORT_PVPANIC));
	print("panicking\n");
	outb(BOARD_PORT_PVPANIC, 1);
	stop();
}
