// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "arch-vm.h"
#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/host/host.h"
#include "lkvm/host/kvm-device.h"
#include "lkvm/util/log.h"
#include "pmu.h"

#define FOLDER "/sys/bus/event_source/devices"

/* Of all sources of events only the CPUs' own PMUs tell which CPUs they count for in "cpus". */
static bool read_pmu(const char *folder, const char *name, struct host_pmu *pmu)
{
	char path[512], type[16];

	snprintf(pmu->name, sizeof(pmu->name), "%s", name);
	snprintf(path, sizeof(path), "%s/%s/cpus", folder, name);
	if (cpulist_read(path, &pmu->cpus))
		return false;
	snprintf(path, sizeof(path), "%s/%s/type", folder, name);
	return !host_read_line(path, type, sizeof(type)) &&
	       sscanf(type, "%" SCNu32, &pmu->type) == 1;
}

int pmu_choose(const char *folder, const cpu_set_t *wanted, const cpu_set_t *allowed,
	       struct host_pmu *pmu)
{
	DIR *dir = opendir(folder);
	unsigned nr = 0, fitting = 0;
	struct host_pmu each;
	struct dirent *entry;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.' || !read_pmu(folder, entry->d_name, &each))
			continue;
		nr++;
		if (!cpulist_within(wanted, &each.cpus))
			continue;
		fitting++;
		*pmu = each;
		CPU_AND(&pmu->cpus, &each.cpus, allowed);
	}
	closedir(dir);
	if (nr < 2)
		return 0;
	return fitting ? 1 : -EINVAL;
}

static int set_attr(struct vcpu *vcpu, u64 attr, const void *value)
{
	return kvm_device_set(vcpu->fd, KVM_ARM_VCPU_PMU_V3_CTRL, attr, value);
}

/* Where --vcpu-affinity puts the vCPUs, or else the CPU that this thread happens to run on. */
static void wanted_cpus(struct vm *vm, cpu_set_t *wanted)
{
	struct vcpu *vcpu;
	unsigned i;

	CPU_ZERO(wanted);
	vcpu_for_each (vcpu, vm, i) {
		if (vcpu->affinity)
			CPU_OR(wanted, wanted, vcpu->affinity);
	}
	if (!CPU_COUNT(wanted))
		CPU_SET(MAX(sched_getcpu(), 0), wanted);
}

static int pmu_select(struct vm *vm)
{
	struct arch_vm *arm64 = vm->arch;
	struct host_pmu pmu;
	struct vcpu *vcpu;
	cpu_set_t wanted, allowed;
	unsigned i;
	int found, err;

	wanted_cpus(vm, &wanted);
	/* lkvm may have been started on some CPUs only, by taskset(1) say: vCPUs stay on those. */
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		memset(&allowed, 0xff, sizeof(allowed));
	found = pmu_choose(FOLDER, &wanted, &allowed, &pmu);
	if (found == -EINVAL) {
		log_fatal(
			"--pmu: the CPUs of --vcpu-affinity are of several kinds, but a guest has "
			"the performance monitors of one; name CPUs of one kind");
		return found;
	}
	/* Linux before 5.19 has no such attribute and takes one by itself. */
	if (!found || !kvm_device_has(vm->vcpus[0]->fd, KVM_ARM_VCPU_PMU_V3_CTRL,
				      KVM_ARM_VCPU_PMU_V3_SET_PMU))
		return 0;
	log_debug("The guest's performance monitors are %s", pmu.name);
	arm64->pmu_cpus = pmu.cpus;
	vcpu_for_each (vcpu, vm, i) {
		err = set_attr(vcpu, KVM_ARM_VCPU_PMU_V3_SET_PMU, &pmu.type);
		if (err) {
			log_fatal("--pmu: KVM does not take the host's %s: %s", pmu.name,
				  strerror(-err));
			return err;
		}
		if (!vcpu->affinity)
			vcpu->affinity = &arm64->pmu_cpus;
	}
	return 0;
}

int pmu_init(struct vm *vm)
{
	int err, intid = BOARD_PPI_PMU;
	struct vcpu *vcpu;
	unsigned i;

	if (!vm->config->arch.pmu)
		return 0;
	err = pmu_select(vm);
	if (err)
		return err;
	vcpu_for_each (vcpu, vm, i) {
		err = set_attr(vcpu, KVM_ARM_VCPU_PMU_V3_IRQ, &intid);
		err = err ?: set_attr(vcpu, KVM_ARM_VCPU_PMU_V3_INIT, NULL);
		if (!err)
			continue;
		log_fatal("--pmu: KVM does not set up vCPU %u's performance monitors: %s", i,
			  strerror(-err));
		return err;
	}
	return 0;
}
