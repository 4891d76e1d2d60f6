// SPDX-License-Identifier: GPL-2.0-or-later
/* Which interrupt controller a guest has. */
#include <errno.h>

#include "board.h"
#include "lkvm/devicetree/ram-board.h"
#include "lkvm/host/kvm-device.h"
#include "lkvm/host/kvm.h"
#include "lkvm/util/log.h"
#include "arch-vm.h"
#include "uapi/kvm-riscv.h"

/* A guest whose CPUs have no Ssaia cannot use an AIA. */
static const char *without_ssaia(const struct vm_config *config)
{
	const struct riscv_isa_config *isa = &config->arch.isa;

	if (isa_wanted(isa, ISA_ssaia))
		return NULL;
	return isa->disabled[ISA_ssaia] ? "--disable-ssaia" : "--cpu-type min";
}

int irqchip_create(struct vm *vm)
{
	enum riscv_irqchip kind = vm->config->arch.irqchip;
	struct irqchip *chip = &vm->arch->irqchip;
	bool aia = kvm_has_device(vm->fd, KVM_DEV_TYPE_RISCV_AIA);
	const char *why_not = without_ssaia(vm->config);

	if (kind == IRQCHIP_AUTO)
		kind = aia && !why_not ? IRQCHIP_AIA : IRQCHIP_PLIC;
	if (kind == IRQCHIP_AIA && why_not) {
		log_fatal("--irqchip aia and %s do not go together: leave one out", why_not);
		return -EINVAL;
	}
	if (kind == IRQCHIP_AIA && !aia) {
		log_fatal(
			"--irqchip aia: this host's KVM does not offer it; leave --irqchip out or "
			"use plic");
		return -ENODEV;
	}
	chip->ops = kind == IRQCHIP_AIA ? &aia_ops : &plic_ops;
	return chip->ops->create(vm);
}

int board_init_irqchip(struct vm *vm)
{
	return vm->arch->irqchip.ops->init(vm);
}

void irqchip_fdt_harts(struct fdt_tree *tree, const struct vm *vm)
{
	u32 cells[2 * ARCH_MAX_CPUS];

	for (unsigned i = 0; i < vm->nr_vcpus; i++) {
		cells[2 * i] = BOARD_PHANDLE_INTC + i;
		cells[2 * i + 1] = BOARD_IRQ_S_EXTERNAL;
	}
	fdt_cells(tree, "interrupts-extended", cells, 2 * vm->nr_vcpus);
}

void board_destroy_irqchip(struct vm *vm)
{
	struct irqchip *chip = &vm->arch->irqchip;

	if (chip->ops)
		chip->ops->destroy(vm);
}
