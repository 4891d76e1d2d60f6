// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PCI host's node in the device tree: "PCI Bus Binding to Open Firmware" 2.1, and the kernel's
 * host-generic-pci binding.
 */
#include <string.h>

#include "lkvm/pci/pci-fdt.h"

/* The first cell of a PCI address: which space, and whose configuration. */
#define SPACE_IO      0x01000000
#define SPACE_MEM32   0x02000000
#define SPACE_MEM64   0x43000000 /* prefetchable: of others Linux expects less than 4 GiB */
#define SLOT_SHIFT    11
#define SLOT_MASK     0xf800
#define NR_PINS	      4
#define PCI_ADDRESS   3 /* cells of one */
#define MAX_MAP_ENTRY (PCI_ADDRESS + 1 + 1 + 2 + FDT_MAX_IRQ_CELLS)

static unsigned pci_fdt_put64(u32 *cells, u64 value)
{
	cells[0] = value >> 32;
	cells[1] = value;
	return 2;
}

static unsigned put_range(u32 *cells, u32 space, u64 bus, u64 gpa, u64 size)
{
	unsigned n = 0;

	cells[n++] = space;
	n += pci_fdt_put64(cells + n, bus);
	n += pci_fdt_put64(cells + n, gpa);
	n += pci_fdt_put64(cells + n, size);
	return n;
}

static void pci_fdt_ranges(struct fdt_tree *tree, const struct pci_board *board)
{
	u32 cells[3 * (PCI_ADDRESS + 4)];
	unsigned n = 0;

	if (board->io_size)
		n += put_range(cells, SPACE_IO, board->io_base, board->io_mmio + board->io_base,
			       board->io_size);
	/* Memory's bus addresses are the guest's physical ones. */
	n += put_range(cells + n, SPACE_MEM32, board->mmio_base, board->mmio_base,
		       board->mmio_size);
	if (board->mmio64_size)
		n += put_range(cells + n, SPACE_MEM64, board->mmio64_base, board->mmio64_base,
			       board->mmio64_size);
	fdt_cells(tree, "ranges", cells, n);
}

/* Slots swizzle over four wires, so four slots say it all. */
static void interrupt_map(struct fdt_tree *tree, const struct pci_host *host,
			  const struct pci_fdt *how)
{
	const u32 mask[] = { (NR_PINS - 1) << SLOT_SHIFT, 0, 0, 7 };
	u32 cells[NR_PINS * NR_PINS * MAX_MAP_ENTRY];
	unsigned n = 0;

	for (unsigned slot = 0; slot < NR_PINS; slot++) {
		for (unsigned pin = 0; pin < NR_PINS; pin++) {
			cells[n++] = slot << SLOT_SHIFT;
			cells[n++] = 0;
			cells[n++] = 0;
			cells[n++] = pin + 1;
			cells[n++] = how->interrupt_parent;
			for (unsigned i = 0; i < how->interrupt_address_cells; i++)
				cells[n++] = 0;
			how->format->encode(pci_slot_gsi(host, slot, pin), false, cells + n);
			n += how->format->cells;
		}
	}
	fdt_u32(tree, "#interrupt-cells", 1);
	fdt_cells(tree, "interrupt-map-mask", mask, ARRAY_SIZE(mask));
	fdt_cells(tree, "interrupt-map", cells, n);
}

void pci_fdt(struct fdt_tree *tree, const struct pci_host *host, const struct pci_fdt *how)
{
	const struct pci_board *board = pci_host_board(host);
	u32 buses[] = { 0, board->ecam_size / MIB(1) - 1 };

	fdt_node_at(tree, "pci", board->ecam_base);
	fdt_text(tree, "device_type", "pci");
	fdt_text(tree, "compatible", "pci-host-ecam-generic");
	fdt_reg(tree, (const u64[]){ board->ecam_base, board->ecam_size }, 2);
	fdt_u32(tree, "#address-cells", PCI_ADDRESS);
	fdt_u32(tree, "#size-cells", 2);
	fdt_cells(tree, "bus-range", buses, ARRAY_SIZE(buses));
	pci_fdt_ranges(tree, board);
	interrupt_map(tree, host, how);
	/* Requester ids are the ids that the MSI controller knows. */
	if (how->msi_parent && !how->msi_by_requester)
		fdt_u32(tree, "msi-parent", how->msi_parent);
	else if (how->msi_parent)
		fdt_cells(tree, "msi-map", (const u32[]){ 0, how->msi_parent, 0, 0x10000 }, 4);
	if (how->dma_pool)
		fdt_u32(tree, "memory-region", how->dma_pool);
	fdt_empty(tree, "dma-coherent");
	fdt_node_end(tree);
}
