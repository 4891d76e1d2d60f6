// SPDX-License-Identifier: GPL-2.0-or-later
/* The device tree: what an arm64 guest is told of its machine. */
#include <string.h>

#include "arch-vm.h"
#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/devicetree/ram-board.h"
#include "lkvm/pci/pci-fdt.h"

/* KVM turns a call by HVC at EL1 into the guest's own hypervisor's business when it has EL2. */
static void dtb_psci(struct fdt_tree *tree, struct vm *vm)
{
	static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";

	fdt_node(tree, "psci");
	fdt_bytes_of(tree, "compatible", compatible, sizeof(compatible));
	fdt_text(tree, "method", vm->config->arch.nested ? "smc" : "hvc");
	fdt_node_end(tree);
}

static void dtb_timer(struct fdt_tree *tree, struct vm *vm)
{
	static const unsigned ppis[] = {
		BOARD_PPI_SEC_TIMER, BOARD_PPI_PTIMER,	   BOARD_PPI_VTIMER,
		BOARD_PPI_HYP_TIMER, BOARD_PPI_HYP_VTIMER,
	};
	/* The last is the virtual timer of EL2, which only VHE has a use for. */
	unsigned nr = vm->config->arch.nested ? 5 : 4;
	u32 cells[ARRAY_SIZE(ppis) * 3];

	for (unsigned i = 0; i < nr; i++)
		gic_ppi(vm, ppis[i], GIC_LEVEL_LOW, cells + 3 * i);
	fdt_node(tree, "timer");
	fdt_text(tree, "compatible", "arm,armv8-timer");
	fdt_cells(tree, "interrupts", cells, 3 * nr);
	if (vm->config->arch.cntfrq)
		fdt_u32(tree, "clock-frequency", vm->config->arch.cntfrq);
	fdt_empty(tree, "always-on");
	fdt_node_end(tree);
}

static void dtb_pmu(struct fdt_tree *tree, struct vm *vm)
{
	u32 cells[3];

	if (!vm->config->arch.pmu)
		return;
	gic_ppi(vm, BOARD_PPI_PMU, GIC_LEVEL_HIGH, cells);
	fdt_node(tree, "pmu");
	fdt_text(tree, "compatible", "arm,armv8-pmuv3");
	fdt_cells(tree, "interrupts", cells, 3);
	fdt_node_end(tree);
}

/* What PrimeCells are clocked with: they want one to be told, though none of ours ticks by it. */
static void peripheral_clock(struct fdt_tree *tree)
{
	fdt_node(tree, "apb-pclk");
	fdt_text(tree, "compatible", "fixed-clock");
	fdt_u32(tree, "#clock-cells", 0);
	fdt_u32(tree, "clock-frequency", 24000000);
	fdt_text(tree, "clock-output-names", "apb_pclk");
	fdt_u32(tree, "phandle", BOARD_PHANDLE_CLOCK);
	fdt_node_end(tree);
}

/* An eighth of RAM, within reason: disks and networks have their data in it while it is on its way. */
static u32 dma_pool(struct fdt_tree *tree, struct vm *vm)
{
	u64 size = MIN(MAX(vm->config->memory / 8, MIB(8)), MIB(64));

	if (!vm->private_memory)
		return 0;
	fdt_dma_pool(tree, ALIGN_UP(size, MIB(2)), BOARD_PHANDLE_POOL);
	return BOARD_PHANDLE_POOL;
}

static void dtb_pci(struct fdt_tree *tree, struct vm *vm, u32 pool)
{
	const struct pci_fdt how = {
		.format = &gic_irq_format,
		.interrupt_parent = BOARD_PHANDLE_IRQCHIP,
		.interrupt_address_cells = 2,
		.msi_parent = vm->arch->gic.msi_size ? BOARD_PHANDLE_MSI : 0,
		.msi_by_requester = true,
		.dma_pool = pool,
	};

	if (vm->pci)
		pci_fdt(tree, vm->pci, &how);
}

void board_add_nodes(struct fdt_tree *tree, struct vm *vm)
{
	u32 pool;

	cpus_fdt(tree, vm);
	dtb_psci(tree, vm);
	dtb_timer(tree, vm);
	dtb_pmu(tree, vm);
	gic_fdt(tree, vm, &vm->arch->gic);
	peripheral_clock(tree);
	pool = dma_pool(tree, vm);
	fdt_devices(tree, &vm->devices, &gic_irq_format, BOARD_PHANDLE_CLOCK, pool);
	dtb_pci(tree, vm, pool);
}
