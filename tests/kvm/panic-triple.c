// SPDX-License-Identifier: GPL-2.0-or-later
// options: --reboot
// status: 242
/* A panic with panic=-1 reboot=t: nothing is said of a restart. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("[    1.234567] Kernel panic - not syncing: Attempted to kill init!\r\n");
	triple_fault();
}
