// SPDX-License-Identifier: GPL-2.0-or-later
// status: 242
// output: panicking
/* pvpanic's port: what it can do, and a panic. */
#include "guest.h"

void guest_main(u32 start_info)
{
	if (!(inb(PVPANIC_PORT) & 1))
		fail("pvpanic does not offer PANICKED", inb(PVPANIC_PORT));
	print("panicking\n");
	outb(PVPANIC_PORT, 1);
	stop();
}
