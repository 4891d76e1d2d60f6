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

static int affinity_refuse(const cpu_set_t *wanted, const cpu_set_t *got)
{
	cpu_set_t missing;

	CPU_XOR(&missing, wanted, got);
	CPU_AND(&missing, &missing, wanted);
	log_fatal("--vcpu-affinity: CPU %d of this host is not there or not for this process",
		  cpulist_first(&missing));
	return -EINVAL;
}

/* The kernel quietly leaves out CPUs of a set that it cannot give, so it is tried and read back. */
static int try_set(const cpu_set_t *wanted)
{
	cpu_set_t got;

	CPU_ZERO(&got);
	if (sched_setaffinity(0, sizeof(*wanted), wanted))
		return errno == EINVAL ? affinity_refuse(wanted, &got) : -errno;
	if (sched_getaffinity(0, sizeof(got), &got))
		return -errno;
	return cpulist_within(wanted, &got) ? 0 : affinity_refuse(wanted, &got);
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
	if (sched_getaffinity(0, sizeof(own), &own))
		err = -errno;
	for (unsigned i = 0; i < config->nr_affinities && !err; i++)
		err = try_set(&config->affinities[i]);
	sched_setaffinity(0, sizeof(own), &own);
	if (err && err != -EINVAL)
		log_fatal("--vcpu-affinity: %s", strerror(-err));
	return err;
}

void vcpu_bind_thread(struct vcpu *vcpu)
{
	if (!vcpu->affinity || !sched_setaffinity(0, sizeof(*vcpu->affinity), vcpu->affinity))
		return;
	/* It was possible a moment ago: a CPU has gone since. The guest runs all the same. */
	log_warning("vCPU %u runs on any CPU: %s", vcpu->id, strerror(errno));
}
