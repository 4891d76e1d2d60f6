/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI host (PCI 3.0, PCI Express ECAM) and what a function on it needs: configuration space with
 * write masks, BARs, MSI-X, INTx. One bus, 32 slots, function 0 only. Configuration is reached through
 * ECAM and, where the architecture has ports, CF8/CFC.
 *
 * Locks, outermost first: the host's (every access to configuration space, BARs), then whatever a
 * device takes in its callbacks, then pci_device.lock and the host's INTx lock, which are leaves.
 */
#ifndef LKVM_PCI_PCI_H
#define LKVM_PCI_PCI_H

#include <pthread.h>
#include "lkvm/vm/bus.h"
#include "lkvm/vm/device.h"
#include "lkvm/vm/irq.h"

struct vm;
struct pci_device;
struct pci_host;
struct pci_msix;

#define PCI_SLOTS	32
#define PCI_BARS	6
#define PCI_MAX_MSIX	64
/* Conventional functions: what lies behind it in ECAM reads as 0, "no extended capability". */
#define PCI_CONFIG_SIZE 256

/*
 * An eventfd that somebody else signals to raise a vector: by KVM alone while the vector can be delivered. Otherwise signals
 * stay in the eventfd, and its reader, a loop of the owner's, calls pci_msix_signal(). Embedded in its owner.
 */
struct pci_msix_source {
	int fd; /* the owner's; constant while added */
	/* pci_device.lock. */
	unsigned vector; /* past the table: none */
	bool added, bound;
	unsigned gsi; /* while bound */
	TAILQ_ENTRY(pci_msix_source) link;
};

/* Where the board wants the host: all from the architecture's table. */
struct pci_board {
	u64 ecam_base, ecam_size;     /* bytes; size / 1 MiB is the number of buses; 0: no ECAM */
	u64 mmio_base, mmio_size;     /* 32-bit window for BARs */
	u64 mmio64_base, mmio64_size; /* 0: none */
	u64 io_base, io_size;	      /* port window, 16 bits; size 0: none */
	u64 io_mmio;		      /* without ports: the gpa that is port 0 of the window */
	bool ports;		      /* the CPU has some: CF8/CFC, and the window is of them */
	/*
	 * Port 0xcf9, where chipsets have a reset register among CF8's four; a byte written there. vCPU
	 * thread. NULL: none.
	 */
	void (*reset_control)(struct vm *vm, u8 value);
	/* What the bridge in slot 0 is, for a firmware that knows only some; 0: a generic one. */
	u16 bridge_vendor, bridge_device;
	/*
	 * Its configuration register (64 bits: an address and bit 0, "decode") where that firmware says where
	 * else it wants ECAM; 0: none.
	 */
	unsigned ecam_register;
	/* gsi of INTA# to INTD# before the swizzle by slot; pins may share one. */
	unsigned intx_gsi[4];
};

/*
 * A 64-bit window behind `behind` (RAM's end), as far as addresses go (`end`): enough for any BAR, none where
 * little would be left.
 */
void pci_board_window64(struct pci_board *board, gpa_t behind, gpa_t end);
#define PCI_WINDOW64_MAX GIB(64)
#define PCI_WINDOW64_MIN GIB(1)

/* vCPU threads; offset + len is inside the BAR. */
struct pci_bar_ops {
	void (*read)(struct pci_device *pci, unsigned bar, u64 offset, u8 *data, unsigned len);
	void (*write)(struct pci_device *pci, unsigned bar, u64 offset, const u8 *data,
		      unsigned len);
};

enum pci_bar_kind {
	PCI_BAR_MEMORY,
	PCI_BAR_MEMORY_64, /* takes the next BAR's place too */
	PCI_BAR_IO,	   /* for a host whose board has an I/O window */
};

/* Host's lock. */
struct pci_bar {
	u64 size; /* power of two, at least 4096, or 4 for I/O; 0: none */
	enum pci_bar_kind kind;
	const struct pci_bar_ops *ops;
	struct pci_device *pci;
	unsigned index;
	bool mapped;
	/* Where it is decoded, while mapped: a gpa, or with is_port, which is constant, a port. */
	u64 address;
	bool is_port;
};

/* What a guest sees of a function, beside MSI-X's table. Where BARs are decoded follows from it. */
struct pci_device_state {
	u8 config[PCI_CONFIG_SIZE]; /* host's lock, or before the device is assigned */
	u8 intx_level;		    /* host's INTx lock: what the device wants */
};

struct pci_device {
	struct pci_host *host; /* constant, as the next two */
	struct vm *vm;
	unsigned slot;
	/* Host's lock, or before the device is assigned. */
	struct pci_device_state state;
	u8 writable[PCI_CONFIG_SIZE]; /* which bits a guest may write */
	u8 power_on[PCI_CONFIG_SIZE]; /* what a reset puts back */
	struct pci_bar bars[PCI_BARS];
	unsigned next_capability, last_capability;
	/* Any of these may be NULL. All are called on a vCPU thread with the host's lock held. */
	/* A BAR was mapped at bars[bar].address, or is about to be unmapped from there. */
	void (*bar_changed)(struct pci_device *pci, unsigned bar, bool mapped);
	/* A config access of the guest: after a write, before a read. */
	void (*config_written)(struct pci_device *pci, unsigned offset, unsigned len);
	void (*config_reading)(struct pci_device *pci, unsigned offset, unsigned len);
	pthread_mutex_t lock;  /* the MSI-X state */
	struct pci_msix *msix; /* NULL: none; constant */
	bool intx_asserted;    /* host's INTx lock: whether it counts on the line */
	bool intx_disabled;    /* host's INTx lock: by the command register */
};

/*
 * Makes the host bridge (slot 0) and its windows; adds a device to vm->devices; sets vm->pci. Logs
 * and returns -errno on failure.
 */
int pci_host_create(struct vm *vm, const struct pci_board *board);
const struct pci_board *pci_host_board(const struct pci_host *host);

/* A function's identification registers. */
struct pci_identity {
	u16 vendor, device;
	u32 class_code; /* 24 bits */
	u8 revision;
	u16 subsystem_vendor, subsystem;
};

#define PCI_ANY_SLOT (-1)

/*
 * Zeroes pci, fills the identification registers and gives the device its slot. -EBUSY: that is taken; -ENOSPC: all
 * are; -ENODEV: the machine has no PCI. The caller fills in callbacks afterwards.
 */
int pci_device_init(struct pci_device *pci, struct vm *vm, int slot,
		    const struct pci_identity *identity);
/* Adds a capability with id: `len` bytes, the 2-byte header not counted. Its offset or -ENOSPC. */
int pci_add_capability(struct pci_device *pci, u8 id, const void *body, unsigned len);
/* Declares a BAR. */
void pci_set_bar(struct pci_device *pci, unsigned bar, enum pci_bar_kind kind, u64 size,
		 const struct pci_bar_ops *ops);
/* MSI-X with nr vectors, table and pending bits in BAR `bar`, which this declares. */
int pci_add_msix(struct pci_device *pci, unsigned bar, unsigned nr);
/*
 * Once all devices exist: gives every BAR an address (there is no firmware to do it), turns decoding
 * and bus mastering on, and keeps that as the power-on state. Logs and returns -errno on failure.
 */
int pci_assign_bars(struct pci_host *host);
/* Takes the device from its slot and frees what init and add_msix made. */
void pci_device_exit(struct pci_device *pci);

/* Is MSI-X on (then INTx must not be used)? Any thread. */
bool pci_msix_enabled(struct pci_device *pci);
/* Raises a vector through its irqfd, or marks it pending when masked. Any thread. */
void pci_msix_signal(struct pci_device *pci, unsigned vector);
/* From now on, for the source's vector; from now on not any more. Any thread. */
void pci_msix_add_source(struct pci_device *pci, struct pci_msix_source *source);
void pci_msix_remove_source(struct pci_device *pci, struct pci_msix_source *source);
/* Added or not: that is its vector. Any thread. */
void pci_msix_move_source(struct pci_device *pci, struct pci_msix_source *source, unsigned vector);
/* INTA#; has no effect while MSI-X is on or the command register disables it. Any thread. */
void pci_intx_set(struct pci_device *pci, bool level);

/* For the firmware tables: the gsi of pin 0 (INTA#) to 3 (INTD#) of a slot. */
unsigned pci_slot_gsi(const struct pci_host *host, unsigned slot, unsigned pin);

#endif
