// SPDX-License-Identifier: GPL-2.0-or-later
// options: --timeout 1
// status: 242
// output: Kernel panic
// errors: panicked, and did not end within 1
/* A panic in which the kernel gets stuck: its last line never comes, the time limit does. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("[    1.234567] Kernel panic - not syncing: Attempted to kill init!\r\n");
	for (;;)
		cpu_relax();
}
