/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other harts, by SBI's HSM. */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include "guest.h"

#define SMP_MAX 8 /* MAX_CPUS in start.S */

struct smp_cpu {
	void (*function)(u32 cpu);
	volatile u32 started;
};
struct smp_cpu smp_cpus[SMP_MAX];

extern const u8 secondary_start[];

void secondary_main(u64 cpu, u64 opaque);
__attribute__((used)) void secondary_main(u64 cpu, u64 opaque)
{
	struct smp_cpu *self = &smp_cpus[opaque];

	if (cpu != opaque)
		fail("a hart's number", cpu);
	self->started++;
	memory_barrier();
	self->function(cpu);
}

static inline long smp_on(u32 cpu, void (*function)(u32 cpu))
{
	smp_cpus[cpu].function = function;
	memory_barrier();
	return sbi(SBI_HSM, 0, cpu, (addr_t)secondary_start, cpu).error;
}

/* Runs function(cpu) on that CPU, which was not started before; returns when it is about to. */
static inline void smp_start(u32 cpu, void (*function)(u32 cpu))
{
	u32 before = smp_cpus[cpu].started;
	long error = smp_on(cpu, function);

	if (error)
		fail("hart_start", error);
	while (smp_cpus[cpu].started == before)
		cpu_relax();
}

#endif
