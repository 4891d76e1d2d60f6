/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI host as a device tree tells of it. */
#ifndef LKVM_PCI_PCI_FDT_H
#define LKVM_PCI_PCI_FDT_H

#include "lkvm/boot/fdt.h"
#include "lkvm/pci/pci.h"

struct pci_fdt {
	const struct fdt_irq_format *format;
	u32 interrupt_parent;		  /* phandle of whom INTx go to */
	unsigned interrupt_address_cells; /* its #address-cells, at most 2 */
	u32 msi_parent;			  /* phandle; 0: there are no MSIs */
	bool msi_by_requester;		  /* its messages carry the ids of those who send them */
	u32 dma_pool;			  /* phandle of the only memory for DMA; 0: any will do */
};

/* Writes the host's node. Main thread. */
void pci_fdt(struct fdt_tree *tree, const struct pci_host *host, const struct pci_fdt *how);

#endif
