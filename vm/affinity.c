// SPDX-License-Identifier: GPL-2.0-or-later
/* On which of the host's CPUs the threads of the guest's CPUs run. */
#include <errno.h>
#include <string.h>

#include "lkvm/util/cpulist.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"
#include "lkvm/vm/affinity.h"
#include "lkvm/vm/vcpu.h"
#include "lkvm/vm/vm.h"

/* The kernel quietly leaves out CPUs of a set that it cannot give, so it is tried and read back. */
static int try_set(const cpu_set_t *wanted)
{
	cpu_set_t got, missing;
	int err = sched_setaffinity(0, sizeof(*wanted), wanted) ? -errno : 0;

	/* EINVAL: it can give none of them. */
	CPU_ZERO(&got);
	if (!err && sched_getaffinity(0, sizeof(got), &got))
		err = -errno;
	if (err && err != -EINVAL) {
		log_fatal("--vcpu-affinity: %s", strerror(-err));
		return err;
	}
	CPU_XOR(&missing, wanted, &got);
	CPU_AND(&missing, &missing, wanted);
	if (!CPU_COUNT(&missing))
		return 0;
	log_fatal("--vcpu-affinity: CPU %d of this host is not there or not for this process",
		  cpulist_first(&missing));
	return -EINVAL;
}

int vcpus_check_affinity(struct vm *vm)
{
	const struct vm_config *config = vm->config;
	cpu_set_t own;
	int err = 0;

	if (!config->nr_affinities)
		return 0;
	if (config->nr_affinities > config->cpus)
		log_warning("--vcpu-affinity: %u lists for %u CPU%s", config->nr_affinities,
			    config->cpus, plural(config->cpus));
	sched_getaffinity(0, sizeof(own), &own);
	for (unsigned i = 0; i < config->nr_affinities && !err; i++)
		err = try_set(&config->affinities[i]);
	sched_setaffinity(0, sizeof(own), &own);
	return err;
}

void vcpu_bind_thread(struct vcpu *vcpu)
{
	if (!vcpu->affinity || !sched_setaffinity(0, sizeof(*vcpu->affinity), vcpu->affinity))
		return;
	/* It was possible a moment ago: a CPU has gone since. The guest runs all the same. */
	log_warning("vCPU %u runs on any CPU: %s", vcpu->id, strerror(errno));
}
