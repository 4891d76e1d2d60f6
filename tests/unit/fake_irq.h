/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * include/lkvm/vm/irq.h without KVM: including this file in a test program provides all of it, and records
 * what a device did. Interrupts through irqfds are counted by reading their eventfds.
 */
#ifndef TEST_FAKE_IRQ_H
#define TEST_FAKE_IRQ_H

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include "lkvm/vm/irq.h"

#define FAKE_LINES 64
#define FAKE_MSI   256
#define FAKE_FIRST 1000 /* gsi of the first MSI */

static struct fake_irq {
	bool line[FAKE_LINES];
	unsigned line_changes;
	unsigned nr_msi; /* gsis handed out and not given back */
	unsigned msi_limit;
	struct fake_route {
		bool used, routed;
		int eventfd; /* 0: no irqfd */
		int other;   /* a second one */
		struct msi_message message;
	} msi[FAKE_MSI];
	unsigned routings; /* KVM_SET_GSI_ROUTING calls it would have been */
	unsigned direct;   /* irq_signal_msi calls */
	struct msi_message last_direct;
	struct fake_ioeventfd {
		int fd; /* 0: free */
		u64 address;
		unsigned len;
		bool datamatch;
		u64 value;
		bool port;
	} io[FAKE_MSI];
	unsigned nr_io;
	int io_error; /* what ioeventfd_assign returns */
} fake_irq;

static inline void fake_irq_init(void)
{
	memset(&fake_irq, 0, sizeof(fake_irq));
	fake_irq.msi_limit = FAKE_MSI;
}

static void fake_line_set(void *opaque, unsigned gsi, bool level)
{
	if (gsi < FAKE_LINES) {
		fake_irq.line[gsi] = level;
		fake_irq.line_changes++;
	}
}

struct irq_line irq_line(struct vm *vm, unsigned gsi)
{
	return (struct irq_line){ .set = fake_line_set, .gsi = gsi };
}

int irq_signal_msi(struct vm *vm, const struct msi_message *message)
{
	fake_irq.direct++;
	fake_irq.last_direct = *message;
	return 0;
}

int irq_msi_alloc(struct vm *vm)
{
	for (unsigned i = 0; i < fake_irq.msi_limit; i++) {
		if (fake_irq.msi[i].used)
			continue;
		fake_irq.msi[i] = (struct fake_route){ .used = true };
		fake_irq.nr_msi++;
		return FAKE_FIRST + i;
	}
	return -ENOSPC;
}

void irq_msi_free(struct vm *vm, unsigned gsi)
{
	fake_irq.msi[gsi - FAKE_FIRST].used = false;
	fake_irq.nr_msi--;
}

int irq_msi_route(struct vm *vm, unsigned gsi, const struct msi_message *message)
{
	struct fake_route *r = &fake_irq.msi[gsi - FAKE_FIRST];

	if (!r->routed || memcmp(&r->message, message, sizeof(*message)))
		fake_irq.routings++;
	r->routed = true;
	r->message = *message;
	return 0;
}

int irqfd_assign(struct vm *vm, int fd, unsigned gsi)
{
	struct fake_route *r = &fake_irq.msi[gsi - FAKE_FIRST];

	*(r->eventfd ? &r->other : &r->eventfd) = fd;
	return 0;
}

int irqfd_deassign(struct vm *vm, int fd, unsigned gsi)
{
	struct fake_route *r = &fake_irq.msi[gsi - FAKE_FIRST];

	if (r->eventfd != fd && r->other != fd)
		return -EINVAL;
	*(r->eventfd == fd ? &r->eventfd : &r->other) = 0;
	return 0;
}

/* How many interrupts carried `data` since the last look. */
static inline unsigned fake_msi_taken(u32 data)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < FAKE_MSI; i++) {
		struct fake_route *r = &fake_irq.msi[i];
		eventfd_t count;

		if (r->used && r->routed && r->eventfd && r->message.data == data &&
		    !eventfd_read(r->eventfd, &count))
			taken += count;
	}
	return taken;
}

static inline struct fake_ioeventfd *fake_ioeventfd_at(u64 address, u64 value)
{
	for (unsigned i = 0; i < FAKE_MSI; i++) {
		struct fake_ioeventfd *io = &fake_irq.io[i];

		if (io->fd && io->address == address && (!io->datamatch || io->value == value))
			return io;
	}
	return NULL;
}

int ioeventfd_assign(struct vm *vm, int fd, const struct ioeventfd *where)
{
	if (fake_irq.io_error)
		return fake_irq.io_error;
	if (fake_ioeventfd_at(where->address, where->value))
		return -EEXIST;
	for (unsigned i = 0; i < FAKE_MSI; i++) {
		if (fake_irq.io[i].fd)
			continue;
		fake_irq.io[i] =
			(struct fake_ioeventfd){ fd,	       where->address, where->len,
						 where->match, where->value,   where->port };
		fake_irq.nr_io++;
		return 0;
	}
	return -ENOSPC;
}

int ioeventfd_deassign(struct vm *vm, int fd, const struct ioeventfd *where)
{
	struct fake_ioeventfd *io = fake_ioeventfd_at(where->address, where->value);

	if (!io || io->fd != fd || io->len != where->len || io->datamatch != where->match ||
	    io->port != where->port)
		return -ENOENT;
	io->fd = 0;
	fake_irq.nr_io--;
	return 0;
}

#endif
