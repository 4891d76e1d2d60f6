/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other CPUs, by PSCI's CPU_ON. */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include "guest.h"

#define SMP_MAX 8 /* MAX_CPUS in start.S */

struct smp_cpu {
	void (*function)(u32 cpu);
	volatile u64 current_el, daif, spsel; /* as it was entered */
	volatile u32 started;
};
struct smp_cpu smp_cpus[SMP_MAX];

extern const u8 secondary_start[];

void secondary_main(u32 cpu, u64 el, u64 daif, u64 spsel);
__attribute__((used)) void secondary_main(u32 cpu, u64 el, u64 daif, u64 spsel)
{
	struct smp_cpu *self = &smp_cpus[cpu];

	self->current_el = el;
	self->daif = daif;
	self->spsel = spsel;
	memory_barrier();
	self->started++;
	memory_barrier();
	self->function(cpu);
}

/* What KVM gives the nth vCPU: 16 of them in a cluster. */
static inline u64 smp_mpidr(u32 cpu)
{
	return cpu % 16 | cpu / 16 << 8;
}

static inline long smp_on(u32 cpu, void (*function)(u32 cpu))
{
	smp_cpus[cpu].function = function;
	memory_barrier();
	return psci(PSCI_CPU_ON, smp_mpidr(cpu), (addr_t)secondary_start, cpu);
}

/* Runs function(cpu) on that CPU, which was not started before; returns when it is about to. */
static inline void smp_start(u32 cpu, void (*function)(u32 cpu))
{
	u32 before = smp_cpus[cpu].started;
	long error = smp_on(cpu, function);

	if (error)
		fail("CPU_ON", error);
	while (smp_cpus[cpu].started == before)
		cpu_relax();
}

#endif
