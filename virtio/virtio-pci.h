/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio over PCI (virtio 1.3, 4.1): what its files share. pci.c is the transport: interrupts, kicks, life.
 * pci-modern.c and pci-legacy.c are the two sets of registers a function can have; it has one of them.
 */
#ifndef VIRTIO_PCI_INTERNAL_H
#define VIRTIO_PCI_INTERNAL_H

#include "lkvm/pci/pci.h"
#include "lkvm/virtio/core.h"
#include "lkvm/vm/vm.h"

struct virtio_pci;

/* What kicks a queue: a write there, of any value, or of this value only. */
struct virtio_doorbell {
	u64 offset;   /* from the beginning of the registers' BAR */
	unsigned len; /* 0: any */
	bool match;
	u64 value;
};

/* One of the two sets. */
struct virtio_pci_registers {
	unsigned bar; /* which one holds them */
	u8 revision;
	/* The PCI device and subsystem numbers of a virtio type. -ENOTSUP: it has none in this set. */
	int (*identify)(u32 type, u16 *device, u16 *subsystem);
	/* Adds BARs and capabilities. 0 or -errno. */
	int (*add)(struct virtio_pci *vp);
	void (*doorbell)(unsigned queue, struct virtio_doorbell *bell);
};

extern const struct virtio_pci_registers virtio_pci_modern, virtio_pci_legacy;

/* What a guest sees of it, beside the function. */
struct virtio_pci_state {
	/* vCPU threads. A driver that races with itself confuses nobody else. */
	_Atomic u32 device_select, driver_select;
	_Atomic u16 queue_select;
	_Atomic u16 config_vector, queue_vector[VIRTIO_MAX_QUEUES]; /* read by any thread */
	u8 isr;							    /* isr_lock */
	u8 unused[3];
};
_Static_assert(sizeof(struct virtio_pci_state) == 16 + 2 * VIRTIO_MAX_QUEUES, "no padding");

struct virtio_pci {
	struct virtio_transport transport;
	struct pci_device pci;
	struct vm *vm; /* constant, as the next three */
	const struct virtio_pci_registers *registers;
	unsigned nr_vectors;
	unsigned window; /* modern: offset of the PCI_CFG capability */
	struct virtio_pci_state state;
	/* dev->lock. */
	bool mapped; /* the registers are, at `address`: see struct pci_bar */
	u64 address;
	int kick_fd[VIRTIO_MAX_QUEUES]; /* of live queues; -1: not live */
	bool ioeventfd[VIRTIO_MAX_QUEUES];
	pthread_mutex_t isr_lock; /* a leaf: ISR and the line's level go together */
};

/* pci.c, for the registers; vCPU threads. */

/* The interrupt status, which reading acknowledges. */
u8 virtio_pci_take_isr(struct virtio_pci *vp);
/* A vector as the driver wrote it: VIRTIO_MSI_NO_VECTOR unless it exists. */
u16 virtio_pci_vector(const struct virtio_pci *vp, u32 value);

#endif
