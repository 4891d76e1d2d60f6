// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts are counted; every one wakes every vCPU that halted with interrupts on. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib.h"

int kvm_irq_init(struct kvm_irq *irq)
{
	pthread_mutex_init(&irq->lock, NULL);
	irq->epoll = epoll_create1(EPOLL_CLOEXEC);
	return irq->epoll < 0 ? -errno : 0;
}

void kvm_irq_reset(struct kvm_irq *irq)
{
	pthread_mutex_lock(&irq->lock);
	memset(irq->rose, 0, sizeof(irq->rose));
	memset(irq->msis, 0, sizeof(irq->msis));
	pthread_mutex_unlock(&irq->lock);
}

static void set_line(struct kvm_irq *irq, u32 gsi, bool level)
{
	if (gsi >= KVM_MAX_LINES)
		return;
	if (level && !irq->level[gsi]) {
		irq->rose[gsi]++;
		irq->events++;
	}
	irq->level[gsi] = level;
}

static void message(struct kvm_irq *irq, u32 data)
{
	irq->msis[data & 0xff]++;
	irq->events++;
}

/* As an eventfd does it: a message, or an edge of a line. */
static void trigger(struct kvm_irq *irq, u32 gsi)
{
	for (unsigned i = 0; i < irq->nr_routes; i++) {
		if (irq->routes[i].gsi != gsi)
			continue;
		if (irq->routes[i].type == KVM_IRQ_ROUTING_MSI) {
			message(irq, irq->routes[i].u.msi.data);
			return;
		}
	}
	set_line(irq, gsi, true);
	set_line(irq, gsi, false);
}

void kvm_irq_poll(struct kvm_vm *vm)
{
	struct kvm_irq *irq = &vm->irq;
	struct epoll_event event;
	u64 count;

	pthread_mutex_lock(&irq->lock);
	while (irq->nr_irqfds && epoll_wait(irq->epoll, &event, 1, 0) == 1) {
		struct kvm_irqfd *irqfd = &irq->irqfds[event.data.u32];

		if (read(irqfd->fd, &count, sizeof(count)) == sizeof(count))
			trigger(irq, irqfd->gsi);
	}
	pthread_mutex_unlock(&irq->lock);
}

/* Told to epoll by its place in the table, which never changes while it is there. */
static long add_irqfd(struct kvm_irq *irq, const struct kvm_irqfd *which)
{
	struct epoll_event event = { .events = EPOLLIN };
	unsigned i = 0;

	while (i < irq->nr_irqfds && irq->irqfds[i].flags != KVM_IRQFD_FLAG_DEASSIGN)
		i++;
	if (i == KVM_MAX_IRQFDS)
		return -ENOSPC;
	irq->irqfds[i] = *which;
	if (i == irq->nr_irqfds)
		irq->nr_irqfds++;
	event.data.u32 = i;
	return epoll_ctl(irq->epoll, EPOLL_CTL_ADD, which->fd, &event) ? -errno : 0;
}

static long remove_irqfd(struct kvm_irq *irq, const struct kvm_irqfd *which)
{
	for (unsigned i = 0; i < irq->nr_irqfds; i++) {
		struct kvm_irqfd *irqfd = &irq->irqfds[i];

		if (irqfd->flags == KVM_IRQFD_FLAG_DEASSIGN || irqfd->fd != which->fd ||
		    irqfd->gsi != which->gsi)
			continue;
		irqfd->flags = KVM_IRQFD_FLAG_DEASSIGN;
		return epoll_ctl(irq->epoll, EPOLL_CTL_DEL, which->fd, NULL) ? -errno : 0;
	}
	return 0;
}

static long set_routes(struct kvm_irq *irq, const struct kvm_irq_routing *table)
{
	if (table->nr > KVM_MAX_ROUTES)
		return -EINVAL;
	memcpy(irq->routes, table->entries, table->nr * sizeof(*irq->routes));
	irq->nr_routes = table->nr;
	return 0;
}

static long call_locked(struct kvm_irq *irq, unsigned long request, void *arg)
{
	const struct kvm_irq_level *line = arg;
	const struct kvm_irqfd *irqfd = arg;
	const struct kvm_msi *msi = arg;

	switch (request) {
	case KVM_IRQ_LINE:
		set_line(irq, line->irq, line->level);
		return 0;
	case KVM_SIGNAL_MSI:
		message(irq, msi->data);
		return 1;
	case KVM_IRQFD:
		return irqfd->flags & KVM_IRQFD_FLAG_DEASSIGN ? remove_irqfd(irq, irqfd)
							      : add_irqfd(irq, irqfd);
	}
	return set_routes(irq, arg);
}

long kvm_irq_call(struct kvm_vm *vm, unsigned long request, void *arg)
{
	long ret;

	/* One may have waited there, and goes where it was to go then. */
	kvm_irq_poll(vm);
	pthread_mutex_lock(&vm->irq.lock);
	ret = call_locked(&vm->irq, request, arg);
	pthread_mutex_unlock(&vm->irq.lock);
	kvm_wake_vcpus(vm);
	return ret;
}
