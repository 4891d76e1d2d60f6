// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest's vCPUs are to be: the options against what this host's KVM offers. Everything is
 * refused here, with the reason and the remedy, before a vCPU exists.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "arm64-vm.h"
#include "confidential.h"
#include "lkvm/arch.h"
#include "lkvm/util/log.h"

static bool has_cap(struct vm *vm, unsigned long cap)
{
	return ioctl(vm->fd, KVM_CHECK_EXTENSION, cap) > 0;
}

static void want(struct kvm_vcpu_init *init, unsigned feature)
{
	init->features[feature / 32] |= 1U << (feature % 32);
}

/* What is there is used: features a guest may ignore. */
static void choose_common(struct vm *vm, struct kvm_vcpu_init *init)
{
	want(init, KVM_ARM_VCPU_PSCI_0_2);
	if (vm->config->arch.aarch32)
		return;
	/* KVM takes both or none. */
	if (has_cap(vm, KVM_CAP_ARM_PTRAUTH_ADDRESS) && has_cap(vm, KVM_CAP_ARM_PTRAUTH_GENERIC)) {
		want(init, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
		want(init, KVM_ARM_VCPU_PTRAUTH_GENERIC);
	}
}

/* It is not the host that lacks it: said of what was asked for by name. */
static int refuse_to_confidential(const struct confidential_ops *kind, const char *option)
{
	log_fatal("%s and %s do not go together: this host's KVM gives protected guests no such "
		  "thing; leave one out",
		  option, kind->option);
	return -ENOTSUP;
}

static int choose_sve(struct vm *vm, struct kvm_vcpu_init *init)
{
	const struct confidential_ops *kind = arm64_confidential(vm->config);
	const struct arch_config *arch = &vm->config->arch;

	if (arch->disable_sve || arch->aarch32)
		return 0;
	if (has_cap(vm, KVM_CAP_ARM_SVE)) {
		want(init, KVM_ARM_VCPU_SVE);
		return 0;
	}
	if (!arch->sve_max_vl)
		return 0;
	if (kind->private_memory)
		return refuse_to_confidential(kind, "--sve-max-vl");
	log_fatal("--sve-max-vl: this host's KVM gives guests no scalable vectors; leave it out");
	return -ENOTSUP;
}

/* Must be asked for before there is a vCPU. A host that has it but does not give it is as one without. */
static void enable_mte(struct vm *vm)
{
	struct kvm_enable_cap request = { .cap = KVM_CAP_ARM_MTE };

	/* KVM refuses 32-bit vCPUs in a guest with tags. */
	if (vm->config->arch.disable_mte || vm->config->arch.aarch32 ||
	    !has_cap(vm, KVM_CAP_ARM_MTE))
		return;
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &request))
		log_debug("KVM does not give the guest memory tags: %s", strerror(errno));
}

static int choose_aarch32(struct vm *vm, struct kvm_vcpu_init *init)
{
	if (!vm->config->arch.aarch32)
		return 0;
	if (!has_cap(vm, KVM_CAP_ARM_EL1_32BIT)) {
		log_fatal("--aarch32: this host's CPUs have no 32-bit EL1; a 32-bit kernel needs a "
			  "host that has, a 32-bit program perhaps only a 64-bit kernel");
		return -ENOTSUP;
	}
	want(init, KVM_ARM_VCPU_EL1_32BIT);
	return 0;
}

static int choose_pmu(struct vm *vm, struct kvm_vcpu_init *init)
{
	const struct confidential_ops *kind = arm64_confidential(vm->config);

	if (!vm->config->arch.pmu)
		return 0;
	if (!has_cap(vm, KVM_CAP_ARM_PMU_V3)) {
		if (kind->private_memory)
			return refuse_to_confidential(kind, "--pmu");
		log_fatal(
			"--pmu: this host's KVM has no performance monitors for guests; its Linux "
			"found no PMUv3 in CPU and device tree or was built without perf events");
		return -ENOTSUP;
	}
	want(init, KVM_ARM_VCPU_PMU_V3);
	return 0;
}

static int choose_nested(struct vm *vm, struct kvm_vcpu_init *init)
{
	const struct arch_config *arch = &vm->config->arch;

	if (!arch->nested)
		return 0;
	if (!has_cap(vm, KVM_CAP_ARM_EL2)) {
		log_fatal("--nested: this host's KVM does not give guests EL2; it takes a CPU with "
			  "ARMv8.4 nested virtualization, Linux 6.16 or later and the kernel "
			  "parameter kvm-arm.mode=nested");
		return -ENOTSUP;
	}
	want(init, KVM_ARM_VCPU_HAS_EL2);
	if (arch->e2h0 && !has_cap(vm, KVM_CAP_ARM_EL2_E2H0)) {
		log_fatal("--e2h0: this host's KVM gives guests EL2 only with VHE: its CPU lacks "
			  "FEAT_NV's NV1 or its Linux is older than 6.16; leave --e2h0 out");
		return -ENOTSUP;
	}
	if (arch->e2h0)
		want(init, KVM_ARM_VCPU_HAS_EL2_E2H0);
	return gic_check_nested(vm, &vm->arch->gic);
}

static int set_counter_offset(struct vm *vm)
{
	struct kvm_arm_counter_offset offset = { .counter_offset =
							 vm->config->arch.counter_offset };
	int err;

	if (!offset.counter_offset || !ioctl(vm->fd, KVM_ARM_SET_COUNTER_OFFSET, &offset))
		return 0;
	err = -errno;
	log_fatal(
		"--counter-offset: this host's KVM does not take it (%s); Linux 6.4 or later does",
		strerror(errno));
	return err;
}

int arm64_choose_features(struct vm *vm)
{
	struct kvm_vcpu_init *init = &vm->arch->init;
	int err;

	if (ioctl(vm->fd, KVM_ARM_PREFERRED_TARGET, init)) {
		err = -errno;
		log_fatal("KVM does not tell which CPU guests have: %s", strerror(errno));
		return err;
	}
	choose_common(vm, init);
	enable_mte(vm);
	err = choose_sve(vm, init);
	if (!err)
		err = choose_aarch32(vm, init);
	if (!err)
		err = choose_pmu(vm, init);
	if (!err)
		err = choose_nested(vm, init);
	return err ?: set_counter_offset(vm);
}
