// SPDX-License-Identifier: GPL-2.0-or-later
// options: -c 4
// status: 0
// output: cpus 7
/* The other CPUs come up, each with its own number. */
#include "guest.h"
#include "smp.h"

static volatile u32 seen[4];

static void other(u32 cpu)
{
	seen[cpu] = 1U << (cpu - 1);
}

void guest_main(addr_t boot)
{
	u32 all = 0;

	for (u32 cpu = 1; cpu < 4; cpu++)
		smp_start(cpu, other);
	while (all != 7) {
		all = seen[1] | seen[2] | seen[3];
		cpu_relax();
	}
	print("cpus ");
	put('0' + all);
	print("\n");
	power_off();
}
