// SPDX-License-Identifier: GPL-2.0-or-later
// options: -c 3 --timeout 50
// status: 0
// output: System halted
/* A kernel's last words, CPUs that are halted or were never started: the guest has ended. */
#include "guest.h"
#include "smp.h"

static void other(u32 cpu)
{
	stop();
}

void guest_main(addr_t boot)
{
	smp_start(1, other);
	print("[   10.000000] reboot: System halted\r\n");
	stop();
}
