// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest's vCPUs are to be: the options against what this host's KVM offers. Everything is
 * refused here, with the reason and the remedy, before a vCPU exists.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "arch-vm.h"
#include "lkvm/arch.h"
#include "lkvm/util/log.h"

static bool has_cap(struct vm *vm, unsigned long cap)
{
	return ioctl(vm->fd, KVM_CHECK_EXTENSION, cap) > 0;
}

static void feature_want(struct kvm_vcpu_init *init, unsigned feature)
{
	init->features[feature / 32] |= 1U << (feature % 32);
}

/* What is there is used: features a guest may ignore. */
static void choose_common(struct vm *vm, struct kvm_vcpu_init *init)
{
	feature_want(init, KVM_ARM_VCPU_PSCI_0_2);
	if (vm->config->arch.aarch32)
		return;
	/* KVM takes both or none. */
	if (has_cap(vm, KVM_CAP_ARM_PTRAUTH_ADDRESS) && has_cap(vm, KVM_CAP_ARM_PTRAUTH_GENERIC)) {
		feature_want(init, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
		feature_want(init, KVM_ARM_VCPU_PTRAUTH_GENERIC);
	}
	if (!vm->config->arch.disable_sve && has_cap(vm, KVM_CAP_ARM_SVE))
		feature_want(init, KVM_ARM_VCPU_SVE);
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

/* What was asked for by name. */
static int choose_demanded(struct vm *vm, struct kvm_vcpu_init *init)
{
	const struct confidential_ops *kind = arm64_confidential(vm->config);
	const struct arch_config *arch = &vm->config->arch;
	const struct {
		bool asked;
		unsigned cap, feature;
		const char *option, *missing;
	} rows[] = {
		{ arch->sve_max_vl, KVM_CAP_ARM_SVE, KVM_ARM_VCPU_SVE, "--sve-max-vl",
		  "this host's KVM gives guests no scalable vectors; leave it out" },
		{ arch->aarch32, KVM_CAP_ARM_EL1_32BIT, KVM_ARM_VCPU_EL1_32BIT, "--aarch32",
		  "this host's CPUs have no 32-bit EL1; a 32-bit kernel needs a host that has, a "
		  "32-bit program perhaps only a 64-bit kernel" },
		{ arch->pmu, KVM_CAP_ARM_PMU_V3, KVM_ARM_VCPU_PMU_V3, "--pmu",
		  "this host's KVM has no performance monitors for guests; its Linux found no "
		  "PMUv3 in CPU and device tree or was built without perf events" },
		{ arch->nested, KVM_CAP_ARM_EL2, KVM_ARM_VCPU_HAS_EL2, "--nested",
		  "this host's KVM does not give guests EL2; it takes a CPU with ARMv8.4 nested "
		  "virtualization, Linux 6.16 or later and the kernel parameter "
		  "kvm-arm.mode=nested" },
		{ arch->nested && arch->e2h0, KVM_CAP_ARM_EL2_E2H0, KVM_ARM_VCPU_HAS_EL2_E2H0,
		  "--e2h0",
		  "this host's KVM gives guests EL2 only with VHE: its CPU lacks FEAT_NV's NV1 or "
		  "its Linux is older than 6.16; leave --e2h0 out" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].asked)
			continue;
		if (has_cap(vm, rows[i].cap)) {
			feature_want(init, rows[i].feature);
			continue;
		}
		/* The VM's capabilities are fewer than the host's: the host is not to blame. */
		if (kind->private_memory)
			log_fatal("%s and %s do not go together: this host's KVM gives protected "
				  "guests no such thing; leave one out",
				  rows[i].option, kind->option);
		else
			log_fatal("%s: %s", rows[i].option, rows[i].missing);
		return -ENOTSUP;
	}
	return arch->nested ? gic_check_nested(vm, &vm->arch->gic) : 0;
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
	return choose_demanded(vm, init) ?: set_counter_offset(vm);
}
