/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts, as devices see them. A line is a level or an edge on a gsi of the irqchip, in KVM or lkvm's own; an
 * MSI is a message that irqfds carry. Unit tests give devices lines and messages of their own.
 */
#ifndef LKVM_VM_IRQ_H
#define LKVM_VM_IRQ_H

#include "lkvm/util/types.h"

struct vm;

/* A wire. set() may be called by any thread and does not block. */
struct irq_line {
	void (*set)(void *opaque, unsigned gsi, bool level);
	void *opaque;
	unsigned gsi;
};

static inline void irq_line_set(const struct irq_line *line, bool level)
{
	if (line->set)
		line->set(line->opaque, line->gsi, level);
}

/* A wire to the VM's irqchip (KVM_IRQ_LINE, or what irq_init_lines() was given). */
struct irq_line irq_line(struct vm *vm, unsigned gsi);

struct msi_message {
	u64 address;
	u32 data;
	u32 device_id; /* PCI requester id, where KVM wants it (ITS) */
};

/* Sends one message now (KVM_SIGNAL_MSI). Any thread. 0 or -errno. */
int irq_signal_msi(struct vm *vm, const struct msi_message *message);

/*
 * Routes: the table KVM is told of. The architecture puts its pins in when the VM is made; MSI
 * vectors take the gsis behind them. Any thread; a mutex inside. The table is bounded
 * (IRQ_MAX_ROUTES), so a guest that rewrites vectors costs nothing.
 */
#define IRQ_MAX_ROUTES 1024

struct kvm_irq_routing_entry;

/*
 * Called by the architecture, before devices: pins' routes. gsis below `first_msi_gsi` are the pins'.
 * KVM_IRQ_LINE knows gsi n as `line_base` + n: arm64 puts the kind of interrupt into the number.
 */
int irq_init(struct vm *vm, const struct kvm_irq_routing_entry *pins, unsigned nr,
	     unsigned first_msi_gsi, u32 line_base);
/*
 * Instead, where the irqchip is lkvm's own: lines go to `set`, and there are no MSIs and no irqfds. 0 or
 * -ENOMEM.
 */
int irq_init_lines(struct vm *vm, void (*set)(void *opaque, unsigned gsi, bool level),
		   void *opaque);
void irq_destroy(struct vm *vm);
/*
 * After irq_init: the board's MSI frame makes a pin's interrupt of a message to `address`; gsi n's is
 * `base` + n.
 */
void irq_msi_are_lines(struct vm *vm, u64 address, u32 base);

/* A gsi for one MSI vector, or -ENOSPC. Nothing is routed until irq_msi_route. */
int irq_msi_alloc(struct vm *vm);
void irq_msi_free(struct vm *vm, unsigned gsi);
/* Routes the gsi to the message (KVM_SET_GSI_ROUTING if it changed). */
int irq_msi_route(struct vm *vm, unsigned gsi, const struct msi_message *message);

/* Signalling the eventfd raises gsi: an edge, without a system call into the VMM. */
int irqfd_assign(struct vm *vm, int eventfd, unsigned gsi);
int irqfd_deassign(struct vm *vm, int eventfd, unsigned gsi);

/* What signals an eventfd: a write of any value, or with `match` only of `value`, of `len` bytes. */
struct ioeventfd {
	u64 address;
	unsigned len; /* 0: any, not of a port */
	bool port;    /* the address is one */
	bool match;
	u64 value;
};

/* Such a write does not leave the kernel. 0 or -errno. */
int ioeventfd_assign(struct vm *vm, int eventfd, const struct ioeventfd *where);
int ioeventfd_deassign(struct vm *vm, int eventfd, const struct ioeventfd *where);

#endif
