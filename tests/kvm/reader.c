// SPDX-License-Identifier: GPL-2.0-or-later
/* Says that it is up, and then nothing any more; reader.sh looks at what becomes of it without readers. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("up\n");
	for (;;)
		wait_interrupt();
}
