/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other CPUs for scripted guests. */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include "guest.h"

#define SMP_MAX 8

/* Runs function(cpu) on that CPU, which was not started before. */
static inline void smp_start(u32 cpu, void (*function)(u32 cpu))
{
	if (!scripted_start(cpu, function))
		fail("no such CPU, or it runs", cpu);
}

#endif
