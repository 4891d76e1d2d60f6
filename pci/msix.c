/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI-X (PCI 3.0, 6.8.2). A vector that the guest has unmasked is an eventfd, bound by KVM to a route
 * that carries the message: raising it is one write, without a lock. Everything else (masked, pending,
 * no routes left) takes the device's lock.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"
#include "pci-private.h"

#define BAR_SIZE      4096
#define PBA_OFFSET    0x800 /* behind the table, in the same BAR */
#define CONTROL_BITS  (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL)
#define ENTRY_CONTROL 3 /* the dword of an entry that holds the mask bit */

_Static_assert(PCI_MAX_MSIX <= 64, "the pending bits are one quadword");

struct msix_vector {
	_Atomic bool open; /* raise by eventfd, no lock; written with the device's lock */
	int eventfd;	   /* -1: none yet; constant while open */
	int gsi;	   /* -1: none yet */
	bool assigned;	   /* the irqfd exists */
};

/* What a guest sees of it, beside the capability, as the BAR has it. Device's lock. */
struct msix_state {
	le32 table[PCI_MAX_MSIX][4]; /* address, address high, data, control */
	le64 pending;
};
_Static_assert(SIZE_OF(struct msix_state, table) <= PBA_OFFSET, "the pending bits' place");
_Static_assert(sizeof(struct msix_state) == PCI_MAX_MSIX * PCI_MSIX_ENTRY_SIZE + 8, "no padding");

struct pci_msix {
	unsigned nr, capability;
	_Atomic bool enabled; /* written with the device's lock */
	bool masked;	      /* all of them; device's lock, as the rest */
	TAILQ_HEAD(, pci_msix_source) sources;
	struct msix_state state;
	struct msix_vector vectors[];
};

static struct msi_message message_of(struct pci_device *pci, unsigned i)
{
	const le32 *entry = pci->msix->state.table[i];

	return (struct msi_message){
		.address = (u64)le32toh(entry[1]) << 32 | le32toh(entry[0]),
		.data = le32toh(entry[2]),
		.device_id = pci->slot << 3,
	};
}

/* What a vector needs to be raised by eventfd; made once, when the guest first unmasks it. */
static int msix_prepare(struct pci_device *pci, struct msix_vector *v)
{
	int err;

	if (v->eventfd < 0)
		v->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v->eventfd < 0)
		return -errno;
	if (v->gsi < 0)
		v->gsi = irq_msi_alloc(pci->vm);
	if (v->gsi < 0)
		return v->gsi;
	if (v->assigned)
		return 0;
	err = irqfd_assign(pci->vm, v->eventfd, v->gsi);
	v->assigned = !err;
	return err;
}

static int msix_route(struct pci_device *pci, unsigned i)
{
	struct msix_vector *v = &pci->msix->vectors[i];
	struct msi_message message = message_of(pci, i);
	int err = msix_prepare(pci, v);

	return err ? err : irq_msi_route(pci->vm, v->gsi, &message);
}

static bool msix_deliverable(const struct pci_msix *msix, unsigned i)
{
	return msix->enabled && !msix->masked &&
	       !(le32toh(msix->state.table[i][ENTRY_CONTROL]) & PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

/* Device's lock held, vector deliverable. */
static void raise_vector(struct pci_device *pci, unsigned i)
{
	const struct msix_vector *v = &pci->msix->vectors[i];
	struct msi_message message = message_of(pci, i);

	if (v->open)
		eventfd_write(v->eventfd, 1);
	else
		irq_signal_msi(pci->vm, &message);
}

/* Without an irqfd its signals come by its reader, who is slower and always right. */
static void update_source(struct pci_device *pci, struct pci_msix_source *source)
{
	struct pci_msix *msix = pci->msix;
	bool wanted =
		source->added && source->vector < msix->nr && msix->vectors[source->vector].open;

	if (wanted == source->bound)
		return;
	if (source->bound)
		irqfd_deassign(pci->vm, source->fd, source->gsi);
	else
		source->gsi = msix->vectors[source->vector].gsi;
	source->bound = wanted && !irqfd_assign(pci->vm, source->fd, source->gsi);
}

static void update_sources(struct pci_device *pci, unsigned vector)
{
	struct pci_msix_source *source;

	TAILQ_FOREACH(source, &pci->msix->sources, link)
	{
		if (source->vector == vector)
			update_source(pci, source);
	}
}

static void update_vector(struct pci_device *pci, unsigned i)
{
	struct pci_msix *msix = pci->msix;
	struct msix_vector *v = &msix->vectors[i];

	if (!msix_deliverable(msix, i)) {
		v->open = false;
		update_sources(pci, i);
		return;
	}
	/* Without a route it still works, one ioctl for each interrupt. */
	v->open = !msix_route(pci, i);
	update_sources(pci, i);
	if (msix->state.pending & htole64(BIT(i))) {
		msix->state.pending &= ~htole64(BIT(i));
		raise_vector(pci, i);
	}
}

static void update_all(struct pci_device *pci)
{
	for (unsigned i = 0; i < pci->msix->nr; i++)
		update_vector(pci, i);
}

bool pci_msix_enabled(struct pci_device *pci)
{
	return pci->msix && pci->msix->enabled;
}

void pci_msix_signal(struct pci_device *pci, unsigned vector)
{
	struct pci_msix *msix = pci->msix;
	struct msix_vector *v;

	if (!msix || vector >= msix->nr)
		return;
	v = &msix->vectors[vector];
	if (v->open) {
		eventfd_write(v->eventfd, 1);
		return;
	}
	pthread_mutex_lock(&pci->lock);
	if (msix_deliverable(msix, vector))
		raise_vector(pci, vector);
	else if (msix->enabled)
		msix->state.pending |= htole64(BIT(vector));
	pthread_mutex_unlock(&pci->lock);
}

/* ---- eventfds of others ---- */

void pci_msix_add_source(struct pci_device *pci, struct pci_msix_source *source)
{
	pthread_mutex_lock(&pci->lock);
	source->added = true;
	TAILQ_INSERT_TAIL(&pci->msix->sources, source, link);
	update_source(pci, source);
	pthread_mutex_unlock(&pci->lock);
}

void pci_msix_remove_source(struct pci_device *pci, struct pci_msix_source *source)
{
	pthread_mutex_lock(&pci->lock);
	if (source->added) {
		source->added = false;
		update_source(pci, source);
		TAILQ_REMOVE(&pci->msix->sources, source, link);
	}
	pthread_mutex_unlock(&pci->lock);
}

void pci_msix_move_source(struct pci_device *pci, struct pci_msix_source *source, unsigned vector)
{
	bool added;

	pthread_mutex_lock(&pci->lock);
	added = source->added;
	/* Off the old one, which may be as open as the new one is. */
	source->added = false;
	update_source(pci, source);
	source->vector = vector;
	source->added = added;
	update_source(pci, source);
	pthread_mutex_unlock(&pci->lock);
}

/* ---- the BAR ---- */

static void msix_read(struct pci_device *pci, unsigned bar, u64 offset, u8 *data, unsigned len)
{
	const struct msix_state *state = &pci->msix->state;
	const void *from = state->table;
	u64 size = sizeof(state->table);

	if (offset >= PBA_OFFSET) {
		from = &state->pending;
		size = sizeof(state->pending);
		offset -= PBA_OFFSET;
	}
	memset(data, 0, len);
	if (offset >= size)
		return;
	pthread_mutex_lock(&pci->lock);
	memcpy(data, (const u8 *)from + offset, MIN(len, size - offset));
	pthread_mutex_unlock(&pci->lock);
}

static void msix_write(struct pci_device *pci, unsigned bar, u64 offset, const u8 *data,
		       unsigned len)
{
	struct pci_msix *msix = pci->msix;
	u64 i = offset / PCI_MSIX_ENTRY_SIZE;

	/* Others are undefined by the specification, and the pending bits are read-only. */
	if ((len != 4 && len != 8) || !IS_ALIGNED(offset, len) || i >= msix->nr)
		return;
	pthread_mutex_lock(&pci->lock);
	memcpy((u8 *)msix->state.table + offset, data, len);
	update_vector(pci, i);
	pthread_mutex_unlock(&pci->lock);
}

static const struct pci_bar_ops msix_bar_ops = { .read = msix_read, .write = msix_write };

/* ---- the capability ---- */

void pci_msix_config_written(struct pci_device *pci, unsigned offset, unsigned len)
{
	struct pci_msix *msix = pci->msix;
	u16 control;

	if (!msix || offset >= msix->capability + 4 || offset + len <= msix->capability + 2)
		return;
	control = pci_config_get16(pci, msix->capability + PCI_MSIX_FLAGS);
	pthread_mutex_lock(&pci->lock);
	msix->enabled = control & PCI_MSIX_FLAGS_ENABLE;
	msix->masked = control & PCI_MSIX_FLAGS_MASKALL;
	if (!msix->enabled)
		msix->state.pending = 0;
	update_all(pci);
	pthread_mutex_unlock(&pci->lock);
	pci_intx_update(pci);
}

static void clear_state(struct pci_msix *msix)
{
	memset(&msix->state, 0, sizeof(msix->state));
	for (unsigned i = 0; i < msix->nr; i++)
		msix->state.table[i][ENTRY_CONTROL] = htole32(PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

void pci_msix_reset(struct pci_device *pci)
{
	struct pci_msix *msix = pci->msix;

	if (!msix)
		return;
	pthread_mutex_lock(&pci->lock);
	msix->enabled = msix->masked = false;
	clear_state(msix);
	update_all(pci);
	pthread_mutex_unlock(&pci->lock);
}

void pci_msix_destroy(struct pci_device *pci)
{
	struct pci_msix *msix = pci->msix;

	for (unsigned i = 0; msix && i < msix->nr; i++) {
		struct msix_vector *v = &msix->vectors[i];

		if (v->assigned)
			irqfd_deassign(pci->vm, v->eventfd, v->gsi);
		if (v->gsi >= 0)
			irq_msi_free(pci->vm, v->gsi);
		if (v->eventfd >= 0)
			close(v->eventfd);
	}
	free(msix);
	pci->msix = NULL;
}

int pci_add_msix(struct pci_device *pci, unsigned bar, unsigned nr)
{
	u8 body[PCI_CAP_MSIX_SIZEOF - 2];
	struct pci_msix *msix;
	int at;

	if (!nr || nr > PCI_MAX_MSIX)
		return -EINVAL;
	bus_put(&body[0], 2, nr - 1);
	bus_put(&body[2], 4, bar);
	bus_put(&body[6], 4, PBA_OFFSET | bar);
	at = pci_add_capability(pci, PCI_CAP_ID_MSIX, body, sizeof(body));
	if (at < 0)
		return at;
	msix = calloc(1, sizeof(*msix) + nr * sizeof(msix->vectors[0]));
	if (!msix)
		return -ENOMEM;
	msix->nr = nr;
	msix->capability = at;
	TAILQ_INIT(&msix->sources);
	for (unsigned i = 0; i < nr; i++)
		msix->vectors[i].eventfd = msix->vectors[i].gsi = -1;
	clear_state(msix);
	bus_put(&pci->writable[at + PCI_MSIX_FLAGS], 2, CONTROL_BITS);
	pci_set_bar(pci, bar, PCI_BAR_MEMORY, BAR_SIZE, &msix_bar_ops);
	pci->msix = msix;
	return 0;
}
