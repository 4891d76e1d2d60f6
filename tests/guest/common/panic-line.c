// SPDX-License-Identifier: GPL-2.0-or-later
// status: 242
// output: Kernel panic
/* No pvpanic driver, panic=-1: a line on the console and a reset at once. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("[    1.234567] Kernel panic - not syncing: VFS: Unable to mount root fs on x\r\n");
	print("[    1.234600] CPU: 0 PID: 1 Comm: init\r\n");
	reset();
}
