// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tables/acpi.h"
#include "board.h"
#include "lkvm/util/log.h"
#include "lkvm/pci/pci.h"
#include "q35.h"

/* ICH9's ISA bridge (Intel 316972, 13.1) */
#define LPC_SLOT	 31
#define LPC_DEVICE	 0x2918
#define LPC_CLASS	 0x060100
#define LPC_PMBASE	 0x40
#define LPC_PMBASE_IO	 1
#define LPC_ACPI_CNTL	 0x44
#define LPC_ACPI_CNTL_EN 0x80

#define DEBUG_PRESENT 0xe9 /* read by a firmware that looks whether there is such a port */
#define DEBUG_LINE    200

struct q35 {
	struct device device;
	struct vm *vm;
	struct pci_device lpc;
	pthread_mutex_t lock; /* the line */
	char line[DEBUG_LINE];
	unsigned len;
};

/* ---- debug output: a line of --debug for each of the firmware's ---- */

static void debug_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	data[0] = DEBUG_PRESENT;
}

static void debug_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct q35 *q35 = opaque;
	char c = data[0];

	pthread_mutex_lock(&q35->lock);
	if (c >= ' ' && c < 0x7f)
		q35->line[q35->len++] = c;
	if (q35->len && (c == '\n' || q35->len == DEBUG_LINE - 1)) {
		q35->line[q35->len] = '\0';
		log_debug("firmware: %s", q35->line);
		q35->len = 0;
	}
	pthread_mutex_unlock(&q35->lock);
}

static const struct bus_ops debug_ops = { .read = debug_read, .write = debug_write };

/* ---- life cycle ---- */

static void q35_destroy(struct device *device)
{
	struct q35 *q35 = CONTAINER_OF(device, struct q35, device);

	if (q35->vm->pci)
		pci_device_exit(&q35->lpc);
	pthread_mutex_destroy(&q35->lock);
	free(q35);
}

static const struct device_ops q35_ops = { .destroy = q35_destroy };

static int add_lpc(struct q35 *q35)
{
	const struct pci_identity lpc = { Q35_VENDOR, LPC_DEVICE, .class_code = LPC_CLASS };
	int err = pci_device_init(&q35->lpc, q35->vm, LPC_SLOT, &lpc);

	if (err)
		return err;
	/* Set up already, and read-only. */
	bus_put(&q35->lpc.state.config[LPC_PMBASE], 4, BOARD_PORT_PM | LPC_PMBASE_IO);
	q35->lpc.state.config[LPC_ACPI_CNTL] = LPC_ACPI_CNTL_EN;
	q35->lpc.state.config[PCI_INTERRUPT_PIN] = 0;
	/* Firmware looks for serial ports only behind a bridge that can forward ports. */
	q35->lpc.writable[PCI_COMMAND] |= PCI_COMMAND_IO;
	return 0;
}

int q35_create(struct vm *vm)
{
	struct q35 *q35 = calloc(1, sizeof(*q35));
	int err;

	if (!q35)
		return -ENOMEM;
	q35->vm = vm;
	pthread_mutex_init(&q35->lock, NULL);
	device_init(&q35->device, &q35_ops, "q35");
	device_add(&vm->devices, &q35->device);
	err = add_lpc(q35);
	if (!err && log_get_level() >= LOG_LEVEL_DEBUG)
		err = bus_add(vm->ports, BOARD_PORT_DEBUG, 1, &debug_ops, q35);
	if (err)
		log_fatal("--firmware: the chipset that it wants: %s", strerror(-err));
	return err;
}
