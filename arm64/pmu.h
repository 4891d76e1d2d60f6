/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --pmu: the performance monitors (PMUv3), which KVM takes from the host's. A host with CPUs of several
 * kinds has as many sorts of them, and a guest can have but one: its CPUs then stay on CPUs of that kind.
 * Main thread.
 */
#ifndef ARM64_PMU_H
#define ARM64_PMU_H

#include "lkvm/util/cpulist.h"

struct vm;

struct host_pmu {
	char name[256];
	u32 type;	/* what KVM and perf_event_open(2) call it */
	cpu_set_t cpus; /* those that have it */
};

/*
 * Which one vCPUs that run on `wanted`, a part of `allowed`, are to have, of those that `folder` (like
 * /sys/bus/event_source/devices) shows. 1: `pmu` is it, with those of its CPUs that are allowed; 0: all CPUs
 * have the same, or nobody can say; -EINVAL: no PMU has all these CPUs. Logs nothing.
 */
int pmu_choose(const char *folder, const cpu_set_t *wanted, const cpu_set_t *allowed,
	       struct host_pmu *pmu);

/*
 * All vCPUs and the interrupt controller are there and initialised; no vCPU has run. Logs and
 * returns -errno on failure.
 */
int pmu_init(struct vm *vm);

#endif
