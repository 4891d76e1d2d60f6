// SPDX-License-Identifier: GPL-2.0-or-later
/* The device tree: what a riscv64 guest is told of its machine. */
#include "board.h"
#include "isa.h"
#include "lkvm/devicetree/ram-board.h"
#include "lkvm/pci/pci-fdt.h"
#include "lkvm/vm/registers.h"
#include "lkvm/vm/vcpu.h"
#include "arch-registers.h"
#include "arch-vm.h"

/* The largest there is, of the hart's translation modes (satp.MODE): a guest may use less. */
static void mmu_type(struct fdt_tree *tree, struct vcpu *vcpu)
{
	static const char *const modes[] = { [8] = "riscv,sv39", "riscv,sv48", "riscv,sv57" };
	u64 mode;

	if (!vcpu_get_register(vcpu, REG_CONFIG(satp_mode), &mode) && mode < ARRAY_SIZE(modes) &&
	    modes[mode])
		fdt_text(tree, "mmu-type", modes[mode]);
}

static void cpu_node(struct fdt_tree *tree, struct vcpu *vcpu)
{
	fdt_node_at(tree, "cpu", vcpu->id);
	fdt_text(tree, "device_type", "cpu");
	fdt_text(tree, "compatible", "riscv");
	fdt_u32(tree, "reg", vcpu->id);
	isa_fdt(tree, &vcpu->arch.isa);
	mmu_type(tree, vcpu);
	fdt_u32(tree, "phandle", BOARD_PHANDLE_CPU + vcpu->id);
	fdt_node(tree, "interrupt-controller");
	fdt_text(tree, "compatible", "riscv,cpu-intc");
	fdt_empty(tree, "interrupt-controller");
	fdt_u32(tree, "#interrupt-cells", 1);
	fdt_u32(tree, "phandle", BOARD_PHANDLE_INTC + vcpu->id);
	fdt_node_end(tree);
	fdt_node_end(tree);
}

static void dtb_cpus(struct fdt_tree *tree, struct vm *vm)
{
	struct vcpu *vcpu;
	u64 frequency;
	unsigned i;

	fdt_node(tree, "cpus");
	fdt_u32(tree, "#address-cells", 1);
	fdt_u32(tree, "#size-cells", 0);
	if (!vcpu_get_register(vm->vcpus[0], REG_TIMER(frequency), &frequency))
		fdt_u32(tree, "timebase-frequency", frequency);
	vcpu_for_each (vcpu, vm, i)
		cpu_node(tree, vcpu);
	fdt_cpu_map(tree, vm->nr_vcpus, BOARD_PHANDLE_CPU);
	fdt_node_end(tree);
}

static void dtb_pci(struct fdt_tree *tree, struct vm *vm)
{
	const struct irqchip_ops *chip = vm->arch->irqchip.ops;
	const struct pci_fdt how = {
		.format = chip->format,
		.interrupt_parent = BOARD_PHANDLE_IRQCHIP,
		.msi_parent = chip->msi ? BOARD_PHANDLE_MSI : 0,
	};

	if (vm->pci)
		pci_fdt(tree, vm->pci, &how);
}

/*
 * A bus for everything that is no hart: harts' own interrupt controllers have no parent, not even by inheritance
 * from the root.
 */
static void dtb_soc(struct fdt_tree *tree, struct vm *vm)
{
	const struct irqchip_ops *chip = vm->arch->irqchip.ops;

	fdt_node(tree, "soc");
	fdt_text(tree, "compatible", "simple-bus");
	fdt_u32(tree, "#address-cells", 2);
	fdt_u32(tree, "#size-cells", 2);
	fdt_empty(tree, "ranges");
	fdt_u32(tree, "interrupt-parent", BOARD_PHANDLE_IRQCHIP);
	chip->fdt(tree, vm);
	fdt_devices(tree, &vm->devices, chip->format, 0, 0);
	dtb_pci(tree, vm);
	fdt_node_end(tree);
}

void board_add_nodes(struct fdt_tree *tree, struct vm *vm)
{
	dtb_cpus(tree, vm);
	dtb_soc(tree, vm);
}
