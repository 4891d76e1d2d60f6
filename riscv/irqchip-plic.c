// SPDX-License-Identifier: GPL-2.0-or-later
/* The PLIC as a guest's interrupt controller: its wires, its registers' place, its node, and vCPUs' interrupts. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "board.h"
#include "lkvm/vm/irq.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vcpu.h"
#include "plic.h"
#include "arch-vm.h"

static struct irqchip *chip_of(struct vm *vm)
{
	return &vm->arch->irqchip;
}

/* KVM takes this one ioctl(2) also while the vCPU runs. */
static void plic_notify(void *opaque, unsigned hart, bool level)
{
	struct vm *vm = opaque;
	struct kvm_interrupt interrupt = {
		.irq = level ? KVM_INTERRUPT_SET : KVM_INTERRUPT_UNSET,
	};

	if (ioctl(vm->vcpus[hart]->fd, KVM_INTERRUPT, &interrupt))
		log_debug("vCPU %u: interrupt %s: %s", hart, level ? "on" : "off", strerror(errno));
}

/* How many vCPUs there will be is all that is to know. */
static int plic_chip_create(struct vm *vm)
{
	const struct plic_config config = {
		.nr_sources = BOARD_NR_GSIS,
		.nr_contexts = vm->config->cpus,
		.notify = plic_notify,
		.opaque = vm,
	};
	struct irqchip *chip = chip_of(vm);

	chip->plic = plic_create(&config);
	return chip->plic ? 0 : -ENOMEM;
}

static int plic_chip_init(struct vm *vm)
{
	struct plic *plic = chip_of(vm)->plic;
	int err = bus_add(vm->mmio, BOARD_PLIC, plic_size(plic), &plic_bus_ops, plic);

	return err ?: irq_init_lines(vm, plic_set_line, plic);
}

static int plic_chip_reset(struct vm *vm)
{
	plic_reset(chip_of(vm)->plic);
	return 0;
}

static void plic_chip_destroy(struct vm *vm)
{
	plic_destroy(chip_of(vm)->plic);
	chip_of(vm)->plic = NULL;
}

/* ---- device tree (kernel binding sifive,plic-1.0.0) ---- */

/* All wires are levels to it. */
static void plic_encode(unsigned gsi, bool edge, u32 *cells)
{
	cells[0] = gsi;
}

static const struct fdt_irq_format plic_irq_format = { .cells = 1, .encode = plic_encode };

static void plic_fdt(struct fdt_tree *tree, struct vm *vm)
{
	static const char compatible[] = "sifive,plic-1.0.0\0riscv,plic0";

	fdt_node_at(tree, "interrupt-controller", BOARD_PLIC);
	fdt_bytes_of(tree, "compatible", compatible, sizeof(compatible));
	fdt_reg(tree, (const u64[]){ BOARD_PLIC, BOARD_PLIC_SIZE }, 2);
	fdt_empty(tree, "interrupt-controller");
	fdt_u32(tree, "#interrupt-cells", plic_irq_format.cells);
	fdt_u32(tree, "#address-cells", 0);
	irqchip_fdt_harts(tree, vm);
	fdt_u32(tree, "riscv,ndev", BOARD_NR_GSIS - 1);
	fdt_u32(tree, "phandle", BOARD_PHANDLE_IRQCHIP);
	fdt_node_end(tree);
}

const struct irqchip_ops plic_ops = {
	.create = plic_chip_create,
	.init = plic_chip_init,
	.reset = plic_chip_reset,
	.destroy = plic_chip_destroy,
	.fdt = plic_fdt,
	.format = &plic_irq_format,
};
