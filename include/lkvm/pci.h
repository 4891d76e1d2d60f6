/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI host (PCI 3.0, PCI Express ECAM) and what a function on it needs: configuration space with
 * write masks, BARs, MSI-X, INTx. One bus, 32 slots, function 0 only. Configuration is reached through
 * ECAM and, where the architecture has ports, CF8/CFC.
 */
#ifndef LKVM_PCI_H
#define LKVM_PCI_H

#include <pthread.h>
#include "lkvm/bus.h"
#include "lkvm/device.h"
#include "lkvm/irq.h"

struct vm;
struct pci_device;
struct pci_host;

#define PCI_MAX_MSIX	64
#define PCI_CONFIG_SIZE 4096

/* Where the board wants the host: all from the architecture's table. */
struct pci_board {
	u64 ecam_base, ecam_size;     /* bytes; size / 1 MiB is the number of buses (at least 1) */
	u64 mmio_base, mmio_size;     /* 32-bit window for BARs */
	u64 mmio64_base, mmio64_size; /* 0: none */
	u64 io_base, io_size;	      /* port window; 0: none */
	bool ports;		      /* CF8/CFC */
	unsigned intx_gsi[4];	      /* gsi of INTA# to INTD# before the swizzle by slot */
};

struct pci_bar_ops {
	void (*read)(struct pci_device *pci, unsigned bar, u64 offset, u8 *data, unsigned len);
	void (*write)(struct pci_device *pci, unsigned bar, u64 offset, const u8 *data,
		      unsigned len);
};

struct pci_bar {
	u64 size;   /* power of two, at least 4096 for memory; 0: none */
	bool is_64; /* takes the next BAR's place too */
	bool io;
	u64 address;		       /* where it is decoded now; 0: not */
	const struct pci_bar_ops *ops; /* NULL for MSI-X's BAR, which pci.c serves */
	bool mapped;
	struct pci_device *pci;
	unsigned index;
};

struct pci_device {
	struct pci_host *host;
	char name[24];
	unsigned slot;
	pthread_mutex_t lock; /* config space and MSI-X table; vCPU threads */
	u8 config[PCI_CONFIG_SIZE];
	u8 writable[PCI_CONFIG_SIZE]; /* which bits a guest may write */
	struct pci_bar bars[6];
	unsigned next_capability;
	/* Called when a BAR's decoding or bus mastering changed, without the lock; may be NULL. */
	void (*command_changed)(struct pci_device *pci, u16 command);
	/* Called when a BAR was mapped at bars[i].address, or unmapped. May be NULL. */
	void (*bar_changed)(struct pci_device *pci, unsigned bar, bool mapped);
	/* Called for a config write into a capability the device added itself. May be NULL. */
	void (*config_written)(struct pci_device *pci, unsigned offset, unsigned len);
	void (*config_reading)(struct pci_device *pci, unsigned offset, unsigned len);
	struct pci_msix *msix; /* NULL: none */
	struct irq_line intx;
	bool intx_level;
};

/* Makes the host bridge (slot 0) and its windows; adds a device to vm->devices; sets vm->pci. */
int pci_host_create(struct vm *vm, const struct pci_board *board);
const struct pci_board *pci_host_board(const struct pci_host *host);

/* Fills the identification registers and gives the device the next free slot. -ENOSPC. */
int pci_device_init(struct pci_device *pci, struct vm *vm, u16 vendor, u16 device, u32 class_code,
		    u8 revision, u16 subsystem_vendor, u16 subsystem);
/* Adds a capability of `len` bytes with id; returns its offset or -ENOSPC. body: len bytes or NULL. */
int pci_add_capability(struct pci_device *pci, u8 id, const void *body, unsigned len);
/* Declares a BAR. */
void pci_set_bar(struct pci_device *pci, unsigned bar, u64 size, bool is_64,
		 const struct pci_bar_ops *ops);
/* MSI-X with nr vectors, table and pending bits in BAR `bar`, which this declares. */
int pci_add_msix(struct pci_device *pci, unsigned bar, unsigned nr);
/* Assigns addresses to every BAR that has none (there is no firmware to do it), then decodes them. */
int pci_assign_bars(struct pci_host *host);
/* Back to power-on: command register, BARs as assigned, MSI-X off. */
void pci_device_reset(struct pci_device *pci);
void pci_device_exit(struct pci_device *pci);

/* Is MSI-X on (then INTx must not be used)? Any thread. */
bool pci_msix_enabled(struct pci_device *pci);
/* Raises a vector through its irqfd, or marks it pending when masked. Any thread. */
void pci_msix_signal(struct pci_device *pci, unsigned vector);
/* INTx; ignored while MSI-X is on or interrupts are disabled in the command register. */
void pci_intx_set(struct pci_device *pci, bool level);

/* Walk for the FDT and ACPI writers: each slot in use, with its INTA# gsi. */
unsigned pci_slot_gsi(const struct pci_host *host, unsigned slot, unsigned pin);

#endif
