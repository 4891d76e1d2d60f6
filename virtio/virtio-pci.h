/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio over PCI (virtio 1.3, 4.1): what its files share. transport-pci.c is the transport: interrupts, kicks, life.
 * pci-modern.c and pci-legacy.c are the two sets of registers a function can have; it has one of them.
 */
#ifndef VIRTIO_PCI_INTERNAL_H
#define VIRTIO_PCI_INTERNAL_H

#include "lkvm/pci/pci.h"
#include "lkvm/virtio/core.h"
#include "lkvm/vm/vm.h"

struct virtio_pci;

/* One of the two sets. */
struct virtio_pci_registers {
	unsigned bar; /* which one holds them */
	u8 revision;
	/* The PCI device and subsystem numbers of a virtio type. -ENOTSUP: it has none in this set. */
	int (*identify)(u32 type, u16 *device, u16 *subsystem);
	/* Adds BARs and capabilities. 0 or -errno. */
	int (*add)(struct virtio_pci *vp);
	/* Doorbells in that BAR: how many bytes from one queue's to the next's; 0: all have this one, of 16 bits. */
	u64 doorbell;
	unsigned doorbell_step;
};

/* The core's, and PCI's own: vectors. Of those that do not exist VIRTIO_MSI_NO_VECTOR is kept. */
enum virtio_pci_register { REG_CONFIG_VECTOR = REG_OF_TRANSPORT, REG_QUEUE_VECTOR, REG_OF_SET };

extern const struct virtio_pci_registers virtio_pci_modern, virtio_pci_legacy;

/* What a guest sees of it, beside the function. vCPU threads write; read by any thread. */
struct virtio_pci_state {
	_Atomic u16 config_vector, queue_vector[VIRTIO_MAX_QUEUES];
};
_Static_assert(sizeof(struct virtio_pci_state) == 2 + 2 * VIRTIO_MAX_QUEUES, "no padding");

struct virtio_pci {
	struct virtio_transport transport;
	struct pci_device pci;
	struct vm *vm; /* constant, as the next three */
	const struct virtio_pci_registers *registers;
	unsigned nr_vectors;
	unsigned window; /* modern: offset of the PCI_CFG capability */
	struct virtio_pci_state state;
	struct pci_msix_source calls[VIRTIO_MAX_QUEUES]; /* with each queue's vector */
	/* dev->lock. */
	bool mapped; /* the registers are, at `address`: see struct pci_bar */
	u64 address;
};

/* transport-pci.c, for the registers; vCPU threads. */
u32 virtio_pci_read(struct virtio_pci *vp, unsigned reg);
void virtio_pci_write(struct virtio_pci *vp, unsigned reg, u32 value);

#endif
