// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine after power-on, and where its first vCPU begins. */
#include <string.h>

#include "arch-vm.h"
#include "lkvm/arch.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/registers.h"
#include "psci.h"
#include "arch-registers.h"

#define NO_MACHINE_TYPE 0xffffffff

/*
 * Documentation/arch/arm64/booting.rst: x0 is the device tree, x1 to x3 are 0.
 * Documentation/arch/arm/booting.rst: r0 is 0, r1 the machine's number, r2 the device tree.
 */
static int enter_at(struct vcpu *vcpu, const struct ram_boot *boot)
{
	static const unsigned nr = 4;
	const u64 wide[] = { boot->dtb, 0, 0, 0 };
	const u64 narrow[] = { 0, NO_MACHINE_TYPE, boot->dtb, 0 };
	const u64 *arguments = vcpu->vm->config->arch.aarch32 ? narrow : wide;
	int err = vcpu_set_register(vcpu, REG_PC, boot->entry);

	for (unsigned i = 0; i < nr && !err; i++)
		err = vcpu_set_register(vcpu, REG_X(i), arguments[i]);
	return err ? vcpu_failed(vcpu, "KVM does not take its registers", err) : 0;
}

int arch_reset(struct vm *vm)
{
	struct arch_vm *arm64 = vm->arch;
	struct vcpu *vcpu;
	unsigned i;
	int err = arm64->used ? gic_reset(vm, &arm64->gic) : 0;

	vcpu_for_each (vcpu, vm, i) {
		/* As KVM made them they are as after a reset already. */
		if (!err && arm64->used)
			err = arm64_vcpu_power_on(vcpu);
	}
	psci_reset(vm);
	err = err ?: enter_at(vm->vcpus[0], &arm64->boot);
	arm64->used = true;
	return err;
}
