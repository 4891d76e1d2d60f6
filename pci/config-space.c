/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function's configuration space: identification, write masks, capabilities, BARs.
 *
 * A BAR is decoded only while decoding is on and all of it lies in one of the host's windows, as a real
 * bridge would forward it. A guest that moves BARs one by one makes them overlap for a moment:
 * the second one is then not reachable, and is tried again whenever any BAR changes.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"
#include "pci-private.h"

#define FIRST_CAPABILITY 0x40

u16 pci_config_get16(const struct pci_device *pci, unsigned offset)
{
	return bus_get(&pci->state.config[offset], 2);
}

static void config_put(struct pci_device *pci, unsigned offset, unsigned len, u64 value)
{
	bus_put(&pci->state.config[offset], len, value);
}

static void writable_put(struct pci_device *pci, unsigned offset, unsigned len, u64 mask)
{
	bus_put(&pci->writable[offset], len, mask);
}

/* ---- making a device ---- */

static int free_slot(const struct pci_host *host)
{
	int slot = 0;

	while (slot < PCI_SLOTS && host->slots[slot])
		slot++;
	return slot;
}

int pci_device_init(struct pci_device *pci, struct vm *vm, int slot,
		    const struct pci_identity *identity)
{
	struct pci_host *host = vm->pci;

	if (!host)
		return -ENODEV;
	if (slot == PCI_ANY_SLOT)
		slot = free_slot(host);
	if (slot == PCI_SLOTS)
		return -ENOSPC;
	if (host->slots[slot])
		return -EBUSY;
	memset(pci, 0, sizeof(*pci));
	pci->host = host;
	pci->vm = vm;
	pci->slot = slot;
	host->slots[slot] = pci;
	pthread_mutex_init(&pci->lock, NULL);
	pci->next_capability = FIRST_CAPABILITY;
	pci->last_capability = PCI_CAPABILITY_LIST - 1;
	config_put(pci, PCI_VENDOR_ID, 2, identity->vendor);
	config_put(pci, PCI_DEVICE_ID, 2, identity->device);
	config_put(pci, PCI_CLASS_REVISION, 4, identity->class_code << 8 | identity->revision);
	config_put(pci, PCI_SUBSYSTEM_VENDOR_ID, 2, identity->subsystem_vendor);
	config_put(pci, PCI_SUBSYSTEM_ID, 2, identity->subsystem);
	writable_put(pci, PCI_COMMAND, 2,
		     PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
			     PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
	writable_put(pci, PCI_CACHE_LINE_SIZE, 1, 0xff);
	writable_put(pci, PCI_LATENCY_TIMER, 1, 0xff);
	writable_put(pci, PCI_INTERRUPT_LINE, 1, 0xff);
	if (slot) {
		config_put(pci, PCI_INTERRUPT_PIN, 1, 1);
		config_put(pci, PCI_INTERRUPT_LINE, 1, pci_slot_gsi(host, slot, 0));
	}
	return 0;
}

int pci_add_capability(struct pci_device *pci, u8 id, const void *body, unsigned len)
{
	unsigned at = pci->next_capability;

	if (at + 2 + len > PCI_CONFIG_SIZE)
		return -ENOSPC;
	pci->state.config[at] = id;
	memcpy(&pci->state.config[at + 2], body, len);
	pci->state.config[pci->last_capability + 1] = at;
	pci->last_capability = at;
	pci->next_capability = ALIGN_UP(at + 2 + len, 4);
	config_put(pci, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	return at;
}

static unsigned bar_offset(const struct pci_bar *bar)
{
	return PCI_BASE_ADDRESS_0 + 4 * bar->index;
}

/* Of its registers. */
static unsigned bar_len(const struct pci_bar *bar)
{
	return bar->kind == PCI_BAR_MEMORY_64 ? 8 : 4;
}

void pci_set_bar(struct pci_device *pci, unsigned index, enum pci_bar_kind kind, u64 size,
		 const struct pci_bar_ops *ops)
{
	static const u8 types[] = {
		[PCI_BAR_MEMORY] = PCI_BASE_ADDRESS_MEM_TYPE_32,
		[PCI_BAR_MEMORY_64] = PCI_BASE_ADDRESS_MEM_TYPE_64,
		[PCI_BAR_IO] = PCI_BASE_ADDRESS_SPACE_IO,
	};
	struct pci_bar *bar = &pci->bars[index];

	*bar = (struct pci_bar){
		.size = size,
		.kind = kind,
		.is_port = kind == PCI_BAR_IO && pci->host->board.ports,
		.ops = ops,
		.pci = pci,
		.index = index,
	};
	config_put(pci, bar_offset(bar), 4, types[kind]);
	writable_put(pci, bar_offset(bar), bar_len(bar), ~(size - 1));
	if (kind == PCI_BAR_IO)
		pci->writable[PCI_COMMAND] |= PCI_COMMAND_IO;
}

/* ---- BARs ---- */

static void bar_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	struct pci_bar *bar = opaque;

	bar->ops->read(bar->pci, bar->index, offset, data, len);
}

static void bar_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct pci_bar *bar = opaque;

	bar->ops->write(bar->pci, bar->index, offset, data, len);
}

static const struct bus_ops bar_bus_ops = { .read = bar_read, .write = bar_write };

static bool in_window(u64 base, u64 size, u64 address, u64 len)
{
	return len <= size && address >= base && address - base <= size - len;
}

static u64 bar_register(const struct pci_bar *bar)
{
	u64 value = bus_get(&bar->pci->state.config[bar_offset(bar)], bar_len(bar));

	return value & (bar->kind == PCI_BAR_IO ? ~0x3ULL : ~0xfULL);
}

/* The BAR's address on its bus; without I/O ports, inside the MMIO window. */
static u64 bar_place(const struct pci_bar *bar)
{
	bool in_memory = bar->kind == PCI_BAR_IO && !bar->is_port;

	return bar_register(bar) + (in_memory ? bar->pci->host->board.io_mmio : 0);
}

static struct bus *bar_bus(const struct pci_bar *bar)
{
	struct vm *vm = bar->pci->host->vm;

	return bar->is_port ? vm->ports : vm->mmio;
}

static bool is_decoded(const struct pci_bar *bar)
{
	const struct pci_board *board = &bar->pci->host->board;
	u64 address = bar_register(bar);
	u16 decoding = bar->kind == PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

	if (!bar->size || !(pci_config_get16(bar->pci, PCI_COMMAND) & decoding))
		return false;
	if (bar->kind == PCI_BAR_IO)
		return in_window(board->io_base, board->io_size, address, bar->size);
	return in_window(board->mmio_base, board->mmio_size, address, bar->size) ||
	       in_window(board->mmio64_base, board->mmio64_size, address, bar->size);
}

static void unmap_bar(struct pci_bar *bar)
{
	struct pci_device *pci = bar->pci;

	if (!bar->mapped)
		return;
	if (pci->bar_changed)
		pci->bar_changed(pci, bar->index, false);
	bus_remove(bar_bus(bar), bar->address);
	bar->mapped = false;
}

static void map_bar(struct pci_bar *bar)
{
	struct pci_device *pci = bar->pci;
	u64 address = bar_place(bar);

	if (bar->mapped || bus_add(bar_bus(bar), address, bar->size, &bar_bus_ops, bar))
		return;
	bar->mapped = true;
	bar->address = address;
	if (pci->bar_changed)
		pci->bar_changed(pci, bar->index, true);
}

void pci_device_exit(struct pci_device *pci)
{
	struct pci_host *host = pci->host;

	if (!host)
		return;
	pthread_mutex_lock(&host->lock);
	for (unsigned i = 0; i < PCI_BARS; i++)
		unmap_bar(&pci->bars[i]);
	host->slots[pci->slot] = NULL;
	pthread_mutex_unlock(&host->lock);
	pci_intx_set(pci, false);
	pci_msix_destroy(pci);
	pthread_mutex_destroy(&pci->lock);
	pci->host = NULL;
}

static void for_each_bar(struct pci_host *host, void (*fn)(struct pci_bar *bar))
{
	for (unsigned slot = 0; slot < PCI_SLOTS; slot++)
		for (unsigned i = 0; host->slots[slot] && i < PCI_BARS; i++)
			if (host->slots[slot]->bars[i].size)
				fn(&host->slots[slot]->bars[i]);
}

static void unmap_if_gone(struct pci_bar *bar)
{
	if (bar->mapped && (!is_decoded(bar) || bar_place(bar) != bar->address))
		unmap_bar(bar);
}

static void map_if_there(struct pci_bar *bar)
{
	if (is_decoded(bar))
		map_bar(bar);
}

void pci_update_bars(struct pci_host *host)
{
	for_each_bar(host, unmap_if_gone);
	for_each_bar(host, map_if_there);
}

struct allocation {
	u64 next, end;
};

static bool config_space_place(struct allocation *window, struct pci_bar *bar)
{
	u64 address = ALIGN_UP(window->next, bar->size);
	u8 type = bar->pci->state.config[bar_offset(bar)] & 0xf;

	if (address < window->next || address > window->end || bar->size > window->end - address)
		return false;
	window->next = address + bar->size;
	config_put(bar->pci, bar_offset(bar), bar_len(bar), address | type);
	return true;
}

struct windows {
	struct allocation low, high, io;
};

/* Low first, for 32-bit guests; nothing of ours is large. */
static bool place_somewhere(struct windows *windows, struct pci_bar *bar)
{
	if (bar->kind == PCI_BAR_IO)
		return config_space_place(&windows->io, bar);
	return config_space_place(&windows->low, bar) ||
	       (bar->kind == PCI_BAR_MEMORY_64 && config_space_place(&windows->high, bar));
}

static int assign_bars(struct pci_device *pci, struct windows *windows)
{
	u16 command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

	for (unsigned i = 0; i < PCI_BARS; i++) {
		struct pci_bar *bar = &pci->bars[i];

		if (bar->size && !place_somewhere(windows, bar)) {
			log_error("The PCI windows are too small: no space for BAR %u of slot %u",
				  i, pci->slot);
			return -ENOSPC;
		}
		if (bar->kind == PCI_BAR_IO)
			command |= PCI_COMMAND_IO;
	}
	config_put(pci, PCI_COMMAND, 2, command);
	memcpy(pci->power_on, pci->state.config, sizeof(pci->state.config));
	return 0;
}

int pci_assign_bars(struct pci_host *host)
{
	const struct pci_board *board = &host->board;
	struct windows windows = {
		.low = { board->mmio_base, board->mmio_base + board->mmio_size },
		.high = { board->mmio64_base, board->mmio64_base + board->mmio64_size },
		.io = { board->io_base, board->io_base + board->io_size },
	};
	int err = 0;

	pthread_mutex_lock(&host->lock);
	for (unsigned slot = 0; slot < PCI_SLOTS && !err; slot++)
		if (host->slots[slot])
			err = assign_bars(host->slots[slot], &windows);
	if (!err)
		pci_update_bars(host);
	pthread_mutex_unlock(&host->lock);
	return err;
}

/* ---- the guest's accesses ---- */

static bool config_space_touches(unsigned offset, unsigned len, unsigned from, unsigned size)
{
	return offset < from + size && from < offset + len;
}

void pci_config_read(struct pci_device *pci, unsigned offset, u8 *data, unsigned len)
{
	/*
	 * The end of a conventional function's space: beyond it reads find nothing, so Linux looks
	 * for no capabilities there.
	 */
	memset(data, 0xff, len);
	if (!pci || offset >= PCI_CONFIG_SIZE)
		return;
	len = MIN(len, PCI_CONFIG_SIZE - offset);
	pthread_mutex_lock(&pci->host->lock);
	if (pci->config_reading)
		pci->config_reading(pci, offset, len);
	if (config_space_touches(offset, len, PCI_STATUS, 1)) {
		pthread_mutex_lock(&pci->host->intx_lock);
		pci->state.config[PCI_STATUS] &= ~PCI_STATUS_INTERRUPT;
		pci->state.config[PCI_STATUS] |= pci->state.intx_level ? PCI_STATUS_INTERRUPT : 0;
		pthread_mutex_unlock(&pci->host->intx_lock);
	}
	memcpy(data, &pci->state.config[offset], len);
	pthread_mutex_unlock(&pci->host->lock);
}

void pci_config_write(struct pci_device *pci, unsigned offset, const u8 *data, unsigned len)
{
	if (!pci || offset >= PCI_CONFIG_SIZE)
		return;
	len = MIN(len, PCI_CONFIG_SIZE - offset);
	pthread_mutex_lock(&pci->host->lock);
	for (unsigned i = 0; i < len; i++) {
		u8 mask = pci->writable[offset + i], *at = &pci->state.config[offset + i];

		*at = (*at & ~mask) | (data[i] & mask);
	}
	if (config_space_touches(offset, len, PCI_COMMAND, 2) ||
	    config_space_touches(offset, len, PCI_BASE_ADDRESS_0, 4 * PCI_BARS))
		pci_update_bars(pci->host);
	pci_msix_config_written(pci, offset, len);
	if (config_space_touches(offset, len, PCI_COMMAND, 2))
		pci_intx_update(pci);
	if (pci->config_written)
		pci->config_written(pci, offset, len);
	pthread_mutex_unlock(&pci->host->lock);
}

void pci_device_reset(struct pci_device *pci)
{
	memcpy(pci->state.config, pci->power_on, sizeof(pci->state.config));
	pci_msix_reset(pci);
	pci_intx_update(pci);
}
