// SPDX-License-Identifier: GPL-2.0-or-later
/* A vCPU: how it is made, and how it begins. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "isa.h"
#include "lkvm/arch.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/registers.h"
#include "arch-registers.h"
#include "arch-vm.h"

/* KVM makes the first runnable and the others stopped, as after a reset. */
int arch_vcpu_create(struct vcpu *vcpu)
{
	int err = isa_init(vcpu);

	err = err ?: sbi_init(vcpu);
	return err || vcpu->id ? err : reset_state_keep(vcpu);
}

void arch_vcpu_destroy(struct vcpu *vcpu)
{
	loop_timer_cancel(&vcpu->arch.sleep.timer);
	free(vcpu->arch.reset_state);
}

static int set_power(struct vcpu *vcpu)
{
	struct kvm_mp_state state = {
		.mp_state = vcpu->id ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_RUNNABLE,
	};

	if (!ioctl(vcpu->fd, KVM_SET_MP_STATE, &state))
		return 0;
	return vcpu_failed(vcpu, "KVM does not take its state", -errno);
}

/* Documentation/arch/riscv/boot.rst: a0 is the hart, a1 the device tree, paging is off. */
static int enter_at(struct vcpu *vcpu, const struct ram_boot *boot)
{
	int err = vcpu_set_register(vcpu, REG_PC, boot->entry);

	err = err ?: vcpu_set_register(vcpu, REG_A0, vcpu->id);
	err = err ?: vcpu_set_register(vcpu, REG_A1, boot->dtb);
	return err ? vcpu_failed(vcpu, "KVM does not take its registers", err) : 0;
}

int arch_reset(struct vm *vm)
{
	struct arch_vm *riscv = vm->arch;
	struct vcpu *vcpu;
	unsigned i;
	int err = 0;

	/* As KVM made them they are as after a reset already. */
	if (riscv->used) {
		sbi_reset(vm);
		err = riscv->irqchip.ops->reset(vm);
		vcpu_for_each (vcpu, vm, i) {
			err = err ?: set_power(vcpu);
		}
		err = err ?: reset_state_restore(vm->vcpus[0]);
	}
	err = err ?: enter_at(vm->vcpus[0], &riscv->boot);
	riscv->used = true;
	return err;
}
