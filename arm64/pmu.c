// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "arm64-vm.h"
#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/util/log.h"
#include "pmu.h"

#define FOLDER "/sys/bus/event_source/devices"

static int read_type(const char *path, u32 *type)
{
	FILE *file = fopen(path, "re");
	int fields;

	if (!file)
		return -errno;
	fields = fscanf(file, "%" SCNu32, type);
	fclose(file);
	return fields == 1 ? 0 : -EINVAL;
}

/* Of all sources of events only the CPUs' own PMUs tell which CPUs they count for in "cpus". */
static bool read_pmu(const char *folder, const char *name, struct host_pmu *pmu)
{
	char path[512];

	snprintf(pmu->name, sizeof(pmu->name), "%s", name);
	snprintf(path, sizeof(path), "%s/%s/cpus", folder, name);
	if (cpulist_read(path, &pmu->cpus))
		return false;
	snprintf(path, sizeof(path), "%s/%s/type", folder, name);
	return !read_type(path, &pmu->type);
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
	struct kvm_device_attr request = {
		.group = KVM_ARM_VCPU_PMU_V3_CTRL,
		.attr = attr,
		.addr = (u64)(uintptr_t)value,
	};

	return ioctl(vcpu->fd, KVM_SET_DEVICE_ATTR, &request) ? -errno : 0;
}

static bool can_choose(struct vcpu *vcpu)
{
	struct kvm_device_attr request = {
		.group = KVM_ARM_VCPU_PMU_V3_CTRL,
		.attr = KVM_ARM_VCPU_PMU_V3_SET_PMU,
	};

	return !ioctl(vcpu->fd, KVM_HAS_DEVICE_ATTR, &request);
}

/* Where vCPUs will run: where they are told to, or where this thread is by chance. */
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

static int choose(struct vm *vm)
{
	struct arch_vm *arm64 = vm->arch;
	struct host_pmu pmu;
	struct vcpu *vcpu;
	cpu_set_t wanted, allowed;
	unsigned i;
	int found, err;

	wanted_cpus(vm, &wanted);
	/* Who started lkvm on some CPUs alone, by taskset(1) say, wants it to stay there. */
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		memset(&allowed, 0xff, sizeof(allowed));
	found = pmu_choose(FOLDER, &wanted, &allowed, &pmu);
	if (found == -EINVAL) {
		log_fatal(
			"--pmu: the CPUs of --vcpu-affinity are of several kinds, but a guest has "
			"the performance monitors of one; name CPUs of one kind");
		return found;
	}
	/* A kernel before 5.19 takes the monitors of the CPU it began on, whatever is said. */
	if (!found || !can_choose(vm->vcpus[0]))
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
	err = choose(vm);
	if (err)
		return err;
	vcpu_for_each (vcpu, vm, i) {
		err = set_attr(vcpu, KVM_ARM_VCPU_PMU_V3_IRQ, &intid);
		if (!err)
			err = set_attr(vcpu, KVM_ARM_VCPU_PMU_V3_INIT, NULL);
		if (!err)
			continue;
		log_fatal("--pmu: KVM does not set up vCPU %u's performance monitors: %s", i,
			  strerror(-err));
		return err;
	}
	return 0;
}
