// SPDX-License-Identifier: GPL-2.0-or-later
/* A vCPU: how it is made. */
#include <errno.h>
#include <sys/ioctl.h>

#include "arch-vm.h"
#include "lkvm/arch.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/registers.h"
#include "arch-registers.h"
#include "sve.h"

#define MPIDR_AFFINITY 0xff00ffffffULL

int arm64_vcpu_init(struct vcpu *vcpu, bool off)
{
	struct kvm_vcpu_init request = vcpu->vm->arch->init;

	if (off)
		request.features[0] |= 1U << KVM_ARM_VCPU_POWER_OFF;
	return ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &request) ? -errno : 0;
}

/* Only the first runs: the others wait for PSCI's CPU_ON, in KVM or, when that is lkvm's own, outside. */
int arm64_vcpu_power_on(struct vcpu *vcpu)
{
	int err = arm64_vcpu_init(vcpu, vcpu->id && !vcpu->vm->config->arch.psci);

	return err ? vcpu_failed(vcpu, "KVM does not initialise it", err) : 0;
}

/*
 * EDK2 maps every physical address it is told of, by tables that hold 48 bits: from a CPU of 52 bits it
 * takes the upper addresses for the lower ones and covers its own code with devices. Addresses the guest
 * cannot use are no loss, and a KVM that does not let this change gives what it gives.
 */
static void limit_addresses(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	u64 value;

	if (!vm->config->firmware || vm->config->arch.aarch32 || vm->arch->ipa_bits > 48)
		return;
	if (vcpu_get_register(vcpu, REG_ID_AA64MMFR0_EL1, &value) ||
	    (value & MMFR0_PARANGE) <= MMFR0_PARANGE_48)
		return;
	value = (value & ~MMFR0_PARANGE) | MMFR0_PARANGE_48;
	if (vcpu_set_register(vcpu, REG_ID_AA64MMFR0_EL1, value))
		log_debug("vCPU %u: KVM does not limit its addresses to 48 bits", vcpu->id);
}

int arch_vcpu_create(struct vcpu *vcpu)
{
	int err = arm64_vcpu_power_on(vcpu);

	if (!err && arm64_wants(vcpu->vm, KVM_ARM_VCPU_SVE))
		err = sve_finalize(vcpu);
	err = err ?: pvtime_init(vcpu);
	if (err)
		return err;
	err = vcpu_get_register(vcpu, REG_MPIDR_EL1, &vcpu->arch.mpidr);
	if (err)
		return vcpu_failed(vcpu, "KVM does not report its affinity", err);
	vcpu->arch.mpidr &= MPIDR_AFFINITY;
	limit_addresses(vcpu);
	return 0;
}
