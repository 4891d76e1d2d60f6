// SPDX-License-Identifier: GPL-2.0-or-later
// status: 0
// output: still here
/* The end of an old panic is shown, the prompt comes back, and the kernel is long busy in one place: it goes on. */
#include "guest.h"

#define LONG                                                                                       \
	4000000000ULL /* of the time stamp counter: longer than all looks that see the end of a panic */

void guest_main(addr_t boot)
{
	unsigned long long begin = __builtin_ia32_rdtsc();

	print("$ cat log\r\n[    1.234567] Kernel panic - not syncing: last week\r\n");
	print("[    1.234600] ---[ end Kernel panic - not syncing: last week ]---\r\n$ ");
	while (__builtin_ia32_rdtsc() - begin < LONG)
		cpu_relax();
	print("still here\n");
	power_off();
}
