// SPDX-License-Identifier: GPL-2.0-or-later
/* Which interrupt controller a guest has. */
#include <errno.h>

#include "lkvm/kvm.h"
#include "lkvm/log.h"
#include "riscv-vm.h"

int irqchip_create(struct vm *vm)
{
	struct irqchip *chip = &vm->arch.riscv->irqchip;
	bool aia = kvm_has_device(vm->fd, KVM_DEV_TYPE_RISCV_AIA);

	chip->kind = vm->config->arch.irqchip;
	if (chip->kind == IRQCHIP_AUTO)
		chip->kind = aia ? IRQCHIP_AIA : IRQCHIP_PLIC;
	if (chip->kind == IRQCHIP_PLIC) {
		log_fatal("There is no PLIC yet");
		return -ENODEV;
	}
	if (chip->kind == IRQCHIP_AIA && !aia) {
		log_fatal(
			"--irqchip aia: this host's KVM does not offer it; leave --irqchip out or "
			"use plic");
		return -ENODEV;
	}
	chip->ops = &aia_ops;
	return chip->ops->create(vm);
}

void irqchip_destroy(struct vm *vm)
{
	struct irqchip *chip = &vm->arch.riscv->irqchip;

	if (chip->ops)
		chip->ops->destroy(vm);
}
