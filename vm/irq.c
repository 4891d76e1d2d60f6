// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lkvm/vm/irq.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"

struct irq_state {
	struct irq_line line; /* constant: an irqchip of our own; set NULL: KVM's */
	pthread_mutex_t lock; /* everything */
	unsigned nr_pins;     /* entries at the table's beginning that never change */
	unsigned first_msi;   /* gsi of MSI slot 0 */
	u32 line_base;	      /* constant: what KVM_IRQ_LINE calls gsi 0 */
	unsigned nr_msi;
	bool used[IRQ_MAX_ROUTES]; /* by MSI slot */
	bool needs_device_id;
	/* Constant once devices exist: messages to lines_address are lines; 0: none are. */
	u64 lines_address;
	u32 lines_base;					       /* what the message for gsi 0 is */
	struct kvm_irq_routing_entry messages[IRQ_MAX_ROUTES]; /* by MSI slot; type 0: none */
	struct kvm_irq_routing table; /* with space for IRQ_MAX_ROUTES entries */
};

int irq_init(struct vm *vm, const struct kvm_irq_routing_entry *pins, unsigned nr,
	     unsigned first_msi_gsi, u32 line_base)
{
	struct irq_state *irq = calloc(1, sizeof(*irq) + IRQ_MAX_ROUTES * sizeof(*pins));

	if (!irq)
		return -ENOMEM;
	pthread_mutex_init(&irq->lock, NULL);
	if (nr)
		memcpy(irq->table.entries, pins, nr * sizeof(*pins));
	irq->nr_pins = nr;
	irq->first_msi = first_msi_gsi;
	irq->line_base = line_base;
	irq->nr_msi = IRQ_MAX_ROUTES - MAX(nr, first_msi_gsi);
	irq->needs_device_id = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_MSI_DEVID) > 0;
	vm->irq = irq;
	return 0;
}

int irq_init_lines(struct vm *vm, void (*set)(void *opaque, unsigned gsi, bool level), void *opaque)
{
	int err = irq_init(vm, NULL, 0, 0, 0);

	if (err)
		return err;
	vm->irq->line = (struct irq_line){ .set = set, .opaque = opaque };
	vm->irq->nr_msi = 0;
	return 0;
}

void irq_destroy(struct vm *vm)
{
	if (!vm->irq)
		return;
	pthread_mutex_destroy(&vm->irq->lock);
	free(vm->irq);
	vm->irq = NULL;
}

static void set_line(void *opaque, unsigned gsi, bool level)
{
	struct vm *vm = opaque;
	struct kvm_irq_level irq = { .irq = vm->irq->line_base + gsi, .level = level };

	if (ioctl(vm->fd, KVM_IRQ_LINE, &irq))
		log_debug("interrupt line %u: %s", gsi, strerror(errno));
}

struct irq_line irq_line(struct vm *vm, unsigned gsi)
{
	struct irq_line line = { .set = set_line, .opaque = vm };

	if (vm->irq && vm->irq->line.set)
		line = vm->irq->line;
	line.gsi = gsi;
	return line;
}

void irq_msi_are_lines(struct vm *vm, u64 address, u32 base)
{
	vm->irq->lines_address = address;
	vm->irq->lines_base = base;
}

/* Is the message one that raises a pin, and which? */
static bool is_line(const struct irq_state *irq, const struct msi_message *message, u32 *gsi)
{
	*gsi = message->data - irq->lines_base;
	return irq->lines_address && message->address == irq->lines_address &&
	       *gsi < irq->first_msi;
}

static int irq_pulse(struct vm *vm, u32 gsi)
{
	set_line(vm, gsi, true);
	set_line(vm, gsi, false);
	return 0;
}

int irq_signal_msi(struct vm *vm, const struct msi_message *message)
{
	struct kvm_msi msi = {
		.address_lo = message->address,
		.address_hi = message->address >> 32,
		.data = message->data,
	};

	u32 gsi;

	if (vm->irq && is_line(vm->irq, message, &gsi))
		return irq_pulse(vm, gsi);
	if (vm->irq && vm->irq->needs_device_id) {
		msi.flags = KVM_MSI_VALID_DEVID;
		msi.devid = message->device_id;
	}
	return ioctl(vm->fd, KVM_SIGNAL_MSI, &msi) < 0 ? -errno : 0;
}

int irq_msi_alloc(struct vm *vm)
{
	struct irq_state *irq = vm->irq;
	int gsi = -ENOSPC;

	if (!irq)
		return -ENODEV;
	pthread_mutex_lock(&irq->lock);
	for (unsigned i = 0; i < irq->nr_msi && gsi < 0; i++) {
		if (irq->used[i])
			continue;
		irq->used[i] = true;
		gsi = irq->first_msi + i;
	}
	pthread_mutex_unlock(&irq->lock);
	return gsi;
}

void irq_msi_free(struct vm *vm, unsigned gsi)
{
	struct irq_state *irq = vm->irq;
	unsigned slot = gsi - irq->first_msi;

	if (slot >= irq->nr_msi)
		return;
	pthread_mutex_lock(&irq->lock);
	irq->used[slot] = false;
	irq->messages[slot].type = 0;
	pthread_mutex_unlock(&irq->lock);
}

/* The kernel takes the table as a whole. */
static int irq_commit(struct vm *vm)
{
	struct irq_state *irq = vm->irq;
	unsigned nr = irq->nr_pins;

	for (unsigned i = 0; i < irq->nr_msi; i++)
		if (irq->messages[i].type)
			irq->table.entries[nr++] = irq->messages[i];
	irq->table.nr = nr;
	return ioctl(vm->fd, KVM_SET_GSI_ROUTING, &irq->table) ? -errno : 0;
}

int irq_msi_route(struct vm *vm, unsigned gsi, const struct msi_message *message)
{
	struct irq_state *irq = vm->irq;
	unsigned slot = gsi - irq->first_msi;
	struct kvm_irq_routing_entry entry = {
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi.address_lo = message->address,
		.u.msi.address_hi = message->address >> 32,
		.u.msi.data = message->data,
	};
	int err = 0;
	u32 pin;

	if (slot >= irq->nr_msi)
		return -EINVAL;
	if (is_line(irq, message, &pin)) {
		entry.type = KVM_IRQ_ROUTING_IRQCHIP;
		memset(&entry.u, 0, sizeof(entry.u));
		entry.u.irqchip.pin = pin;
	} else if (irq->needs_device_id) {
		entry.flags = KVM_MSI_VALID_DEVID;
		entry.u.msi.devid = message->device_id;
	}
	pthread_mutex_lock(&irq->lock);
	if (memcmp(&irq->messages[slot], &entry, sizeof(entry))) {
		irq->messages[slot] = entry;
		err = irq_commit(vm);
		/* A message the kernel refuses must not make every later table fail as well. */
		if (err)
			irq->messages[slot].type = 0;
	}
	pthread_mutex_unlock(&irq->lock);
	return err;
}

static int irqfd_set(struct vm *vm, int eventfd, unsigned gsi, u32 flags)
{
	struct kvm_irqfd request = { .fd = eventfd, .gsi = gsi, .flags = flags };

	return ioctl(vm->fd, KVM_IRQFD, &request) ? -errno : 0;
}

int irqfd_assign(struct vm *vm, int eventfd, unsigned gsi)
{
	return irqfd_set(vm, eventfd, gsi, 0);
}

int irqfd_deassign(struct vm *vm, int eventfd, unsigned gsi)
{
	return irqfd_set(vm, eventfd, gsi, KVM_IRQFD_FLAG_DEASSIGN);
}

static int ioeventfd_set(struct vm *vm, int eventfd, const struct ioeventfd *where, u32 flags)
{
	struct kvm_ioeventfd request = {
		.datamatch = where->value,
		.addr = where->address,
		.len = where->len,
		.fd = eventfd,
		.flags = flags | (where->match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0) |
			 (where->port ? KVM_IOEVENTFD_FLAG_PIO : 0),
	};

	return ioctl(vm->fd, KVM_IOEVENTFD, &request) ? -errno : 0;
}

int ioeventfd_assign(struct vm *vm, int eventfd, const struct ioeventfd *where)
{
	return ioeventfd_set(vm, eventfd, where, 0);
}

int ioeventfd_deassign(struct vm *vm, int eventfd, const struct ioeventfd *where)
{
	return ioeventfd_set(vm, eventfd, where, KVM_IOEVENTFD_FLAG_DEASSIGN);
}
