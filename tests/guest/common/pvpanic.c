// SPDX-License-Identifier: GPL-2.0-or-later
// status: 242
// output: panicking
/* pvpanic's register: what it can do, and a panic. */
#include "guest.h"

void guest_main(addr_t boot)
{
	if (!(pvpanic_read() & 1))
		fail("pvpanic does not offer PANICKED", pvpanic_read());
	print("panicking\n");
	pvpanic_write(1);
	stop();
}
