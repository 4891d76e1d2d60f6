/* SPDX-License-Identifier: GPL-2.0-or-later */
/* INTx: wires that all slots share, four or fewer, so each is the OR of what the devices on it want. */
#include <linux/pci_regs.h>
#include "lkvm/vm/vm.h"
#include "pci-private.h"

unsigned pci_slot_gsi(const struct pci_host *host, unsigned slot, unsigned pin)
{
	return host->board.intx_gsi[(slot + pin) % 4];
}

/* Pins with the same gsi are one wire. */
static unsigned *users_of(struct pci_host *host, unsigned gsi)
{
	unsigned pin = 0;

	while (host->board.intx_gsi[pin] != gsi)
		pin++;
	return &host->intx_users[pin];
}

static void update_locked(struct pci_device *pci)
{
	struct pci_host *host = pci->host;
	unsigned gsi = pci_slot_gsi(host, pci->slot, 0), *users = users_of(host, gsi);
	bool assert = pci->state.intx_level && !pci->intx_disabled && !pci_msix_enabled(pci);
	struct irq_line line;

	if (assert == pci->intx_asserted)
		return;
	pci->intx_asserted = assert;
	*users += assert ? 1 : -1;
	if (*users != (assert ? 1 : 0))
		return;
	line = irq_line(host->vm, gsi);
	irq_line_set(&line, assert);
}

void pci_intx_set(struct pci_device *pci, bool level)
{
	pthread_mutex_lock(&pci->host->intx_lock);
	pci->state.intx_level = level;
	update_locked(pci);
	pthread_mutex_unlock(&pci->host->intx_lock);
}

void pci_intx_update(struct pci_device *pci)
{
	pthread_mutex_lock(&pci->host->intx_lock);
	pci->intx_disabled = pci_config_get16(pci, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE;
	update_locked(pci);
	pthread_mutex_unlock(&pci->host->intx_lock);
}
