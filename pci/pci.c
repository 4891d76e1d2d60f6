/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI host: the ways to configuration space (ECAM, CF8/CFC), the bridge in slot 0, life cycle. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"
#include "pci-private.h"

#define RESET_CONTROL  1     /* 0xcf9 */
#define PORT_ADDRESS   0xcf8 /* and the four of data behind it */
#define PORT_SIZE      8
#define ADDRESS_ENABLE 0x80000000
#define ADDRESS_BITS   0x80fffffc
#define ECAM_ENABLE    BIT(0)
#define ECAM_ALIGN     MIB(64) /* the least that chipsets have */
#define BRIDGE_SLOT    0
#define BRIDGE_VENDOR  0x1b36
#define BRIDGE_DEVICE  0x0008 /* a generic host bridge: no quirk of any guest is for it */
#define BRIDGE_CLASS   0x060000

void pci_board_window64(struct pci_board *board, gpa_t behind, gpa_t end)
{
	u64 base = ALIGN_UP(behind, GIB(1));
	u64 size = end > base ? MIN(end - base, PCI_WINDOW64_MAX) : 0;

	if (size < PCI_WINDOW64_MIN)
		return;
	board->mmio64_base = base;
	board->mmio64_size = size;
}

const struct pci_board *pci_host_board(const struct pci_host *host)
{
	return &host->board;
}

/*
 * `bdf`: the bus (8 bits), slot (5) and function (3) that an access is for; ECAM and CF8 have them in this order.
 * NULL: there is no such function. All devices are on bus 0, as function 0.
 */
static struct pci_device *find_function(struct pci_host *host, u32 bdf)
{
	return bdf < PCI_SLOTS << 3 && !(bdf & 7) ? host->slots[bdf >> 3] : NULL;
}

/* ---- ECAM ---- */

static void ecam_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	pci_config_read(find_function(opaque, offset >> 12), offset & 0xfff, data, len);
}

static void ecam_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	pci_config_write(find_function(opaque, offset >> 12), offset & 0xfff, data, len);
}

static const struct bus_ops ecam_ops = { .read = ecam_read, .write = ecam_write };

/* The register says where ECAM is too. Wherever that is taken already, it is not. Host's lock held. */
static void move_second_ecam(struct pci_host *host)
{
	u64 value = bus_get(&host->bridge.state.config[host->board.ecam_register], 8);
	u64 base = value & ECAM_ENABLE ? ALIGN_DOWN(value, ECAM_ALIGN) : 0;

	if (base == host->second_ecam)
		return;
	if (host->second_ecam)
		bus_remove(host->vm->mmio, host->second_ecam);
	host->second_ecam = 0;
	if (base && !bus_add(host->vm->mmio, base, host->board.ecam_size, &ecam_ops, host))
		host->second_ecam = base;
}

static void bridge_written(struct pci_device *bridge, unsigned offset, unsigned len)
{
	unsigned at = bridge->host->board.ecam_register;

	if (offset < at + 8 && at < offset + len)
		move_second_ecam(bridge->host);
}

static void add_ecam_register(struct pci_host *host)
{
	if (!host->board.ecam_register)
		return;
	memset(&host->bridge.writable[host->board.ecam_register], 0xff, 8);
	host->bridge.config_written = bridge_written;
}

/* ---- ports ---- */

/* Only whole dwords reach the address register: bytes there belong to other devices on real boards. */
static bool is_address(u64 offset, unsigned len)
{
	return offset == 0 && len == 4;
}

static struct pci_device *pci_addressed(struct pci_host *host, u64 offset, unsigned *at)
{
	u32 address = host->address;

	*at = (address & 0xfc) + offset - 4;
	if (offset < 4 || !(address & ADDRESS_ENABLE))
		return NULL;
	return find_function(host, (address & ~ADDRESS_ENABLE) >> 8);
}

static void port_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	struct pci_host *host = opaque;
	struct pci_device *pci;
	unsigned at;

	if (is_address(offset, len)) {
		bus_put(data, len, host->address);
		return;
	}
	pci = pci_addressed(host, offset, &at);
	pci_config_read(pci, at, data, len);
}

static void port_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct pci_host *host = opaque;
	struct pci_device *pci;
	unsigned at;

	if (is_address(offset, len)) {
		host->address = bus_get(data, len) & ADDRESS_BITS;
		return;
	}
	if (offset == RESET_CONTROL && len == 1 && host->board.reset_control) {
		host->board.reset_control(host->vm, data[0]);
		return;
	}
	pci = pci_addressed(host, offset, &at);
	pci_config_write(pci, at, data, len);
}

static const struct bus_ops port_ops = { .read = port_read, .write = port_write };

/* ---- life cycle ---- */

static void host_reset(struct device *device)
{
	struct pci_host *host = CONTAINER_OF(device, struct pci_host, device);

	host->address = 0;
	pthread_mutex_lock(&host->lock);
	for (unsigned slot = 0; slot < PCI_SLOTS; slot++)
		if (host->slots[slot])
			pci_device_reset(host->slots[slot]);
	pci_update_bars(host);
	if (host->board.ecam_register)
		move_second_ecam(host);
	pthread_mutex_unlock(&host->lock);
}

static void host_destroy(struct device *device)
{
	struct pci_host *host = CONTAINER_OF(device, struct pci_host, device);

	pci_device_exit(&host->bridge);
	pthread_mutex_destroy(&host->lock);
	pthread_mutex_destroy(&host->intx_lock);
	host->vm->pci = NULL;
	free(host);
}

static const struct device_ops host_ops = { .reset = host_reset, .destroy = host_destroy };

int pci_host_create(struct vm *vm, const struct pci_board *board)
{
	const struct pci_identity bridge = {
		.vendor = board->bridge_vendor ?: BRIDGE_VENDOR,
		.device = board->bridge_device ?: BRIDGE_DEVICE,
		.class_code = BRIDGE_CLASS,
	};
	struct pci_host *host = calloc(1, sizeof(*host));
	int err = 0;

	if (!host)
		return -ENOMEM;
	host->vm = vm;
	host->board = *board;
	pthread_mutex_init(&host->lock, NULL);
	pthread_mutex_init(&host->intx_lock, NULL);
	device_init(&host->device, &host_ops, "pci");
	device_add(&vm->devices, &host->device);
	vm->pci = host;
	/* The slot of a host without devices is free. */
	pci_device_init(&host->bridge, vm, BRIDGE_SLOT, &bridge);
	add_ecam_register(host);
	if (board->ecam_size)
		err = bus_add(vm->mmio, board->ecam_base, board->ecam_size, &ecam_ops, host);
	if (!err && board->ports)
		err = bus_add(vm->ports, PORT_ADDRESS, PORT_SIZE, &port_ops, host);
	if (err)
		log_error("PCI host: no place for its configuration space: %s", strerror(-err));
	return err;
}
