// SPDX-License-Identifier: GPL-2.0-or-later
// options: -c 4
// status: 0
// output: cpus 7
/* The other CPUs come up by INIT and SIPI, each with its own number. */
#include "smp.h"

static volatile u32 seen;

static void other(u32 cpu)
{
	__asm__ volatile("lock orl %1, %0" : "+m"(seen) : "r"(1U << (cpu - 1)));
}

void guest_main(u32 start_info)
{
	for (u32 cpu = 1; cpu < 4; cpu++)
		smp_start(cpu, other);
	while (seen != 7)
		__asm__ volatile("pause");
	print("cpus ");
	outb(COM1, '0' + seen);
	print("\n");
	power_off();
}
