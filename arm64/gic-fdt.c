// SPDX-License-Identifier: GPL-2.0-or-later
/* The interrupt controller in the device tree (kernel bindings arm,gic and arm,gic-v3). */
#include "arch-vm.h"
#include "board.h"

#define DIST_SIZE    KIB(64)
#define V2_DIST_SIZE KIB(4)
#define KIND_SPI     0
#define KIND_PPI     1
#define PPI_BASE     16

static void its_encode(unsigned gsi, bool edge, u32 *cells)
{
	cells[0] = KIND_SPI;
	cells[1] = gsi;
	cells[2] = edge ? GIC_EDGE_RISING : GIC_LEVEL_HIGH;
}

const struct fdt_irq_format gic_irq_format = { .cells = 3, .encode = its_encode };

/* GICv2 wants a mask of the CPUs that have it beside the trigger. */
void gic_ppi(const struct vm *vm, unsigned intid, u32 trigger, u32 cells[3])
{
	u32 cpus = gic_is_v3(&vm->arch->gic) ? 0 : (BIT(vm->config->cpus) - 1) << 8;

	cells[0] = KIND_PPI;
	cells[1] = intid - PPI_BASE;
	cells[2] = cpus | trigger;
}

static void msi_node(struct fdt_tree *tree, const struct gic *gic)
{
	bool its = gic_is_v3(gic);

	fdt_node_at(tree, its ? "msi-controller" : "v2m", gic->msi);
	fdt_text(tree, "compatible", its ? "arm,gic-v3-its" : "arm,gic-v2m-frame");
	fdt_reg(tree, (const u64[]){ gic->msi, gic->msi_size }, 2);
	fdt_empty(tree, "msi-controller");
	if (its)
		fdt_u32(tree, "#msi-cells", 1);
	fdt_u32(tree, "phandle", BOARD_PHANDLE_MSI);
	fdt_node_end(tree);
}

void gic_fdt(struct fdt_tree *tree, struct vm *vm, const struct gic *gic)
{
	u64 dist_size = gic_is_v3(gic) ? DIST_SIZE : V2_DIST_SIZE;
	u32 maintenance[3];

	fdt_node_at(tree, "interrupt-controller", BOARD_GIC_DIST);
	fdt_text(tree, "compatible", gic_is_v3(gic) ? "arm,gic-v3" : "arm,cortex-a15-gic");
	fdt_reg(tree, (const u64[]){ BOARD_GIC_DIST, dist_size, gic->cpu, gic->cpu_size }, 4);
	fdt_empty(tree, "interrupt-controller");
	fdt_u32(tree, "#interrupt-cells", 3);
	fdt_u32(tree, "#address-cells", 2);
	fdt_u32(tree, "#size-cells", 2);
	fdt_empty(tree, "ranges");
	fdt_u32(tree, "phandle", BOARD_PHANDLE_IRQCHIP);
	if (vm->config->arch.nested) {
		gic_ppi(vm, BOARD_PPI_MAINTENANCE, GIC_LEVEL_HIGH, maintenance);
		fdt_cells(tree, "interrupts", maintenance, 3);
	}
	if (gic->msi_size)
		msi_node(tree, gic);
	fdt_node_end(tree);
}
