// SPDX-License-Identifier: GPL-2.0-or-later
// options: --timeout 50
// status: 242
// output: Attempted to kill init! ]---
/* panic=0: the kernel's last line, and then it goes round in a loop for ever. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("[    1.234567] Kernel panic - not syncing: Attempted to kill init!\r\n");
	print("[    1.234600] ---[ end Kernel panic - not syncing: Attempted to kill init! ]---\r\n");
	for (;;)
		cpu_relax();
}
