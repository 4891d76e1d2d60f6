/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the PCI host share with each other, and with nobody else. */
#ifndef PCI_PRIVATE_H
#define PCI_PRIVATE_H

#include "lkvm/pci/pci.h"

struct pci_host {
	struct device device;
	struct vm *vm; /* constant, as the next */
	struct pci_board board;
	pthread_mutex_t lock; /* configuration space and BARs of every device */
	struct pci_device *slots[PCI_SLOTS];
	struct pci_device bridge;
	u64 second_ecam; /* where the guest has it by the bridge's register, 0: nowhere; the lock's */
	_Atomic u32 address;	   /* the latch at port 0xCF8; vCPU threads */
	pthread_mutex_t intx_lock; /* a leaf */
	unsigned intx_users[4];	   /* devices that pull that wire, under its first pin */
};

/* config-space.c: one access to a function's configuration space; NULL: there is none. Takes the host's lock. */
void pci_config_read(struct pci_device *pci, unsigned offset, u8 *data, unsigned len);
void pci_config_write(struct pci_device *pci, unsigned offset, const u8 *data, unsigned len);
/* Maps and unmaps BARs as the registers of all devices say now. Host's lock held. */
void pci_update_bars(struct pci_host *host);
/* Puts the power-on state back. Host's lock held. */
void pci_device_reset(struct pci_device *pci);
u16 pci_config_get16(const struct pci_device *pci, unsigned offset);

/* intx.c: the line again, after MSI-X or the command register changed. */
void pci_intx_update(struct pci_device *pci);

/* msix.c: the capability's control word was written. */
void pci_msix_config_written(struct pci_device *pci, unsigned offset, unsigned len);
void pci_msix_reset(struct pci_device *pci);
void pci_msix_destroy(struct pci_device *pci);

#endif
