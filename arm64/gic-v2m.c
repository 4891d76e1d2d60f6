// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The GICv2m MSI frame (Server Base System Architecture 2.2, appendix E): a register that a device, or a
 * CPU, writes an SPI's number to. Vectors of PCI devices do not come here: irqfds raise the SPI.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch-vm.h"
#include "board.h"
#include "lkvm/vm/irq.h"
#include "lkvm/util/log.h"

#define MSI_TYPER 0x008

struct v2m {
	struct device device;
	struct vm *vm; /* constant */
};

static void v2m_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	u32 first = BOARD_SPI_BASE + BOARD_GSI_V2M;

	bus_put(data, len, offset == MSI_TYPER ? first << 16 | BOARD_NR_V2M : 0);
}

static void v2m_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct v2m *v2m = opaque;
	u64 gsi = bus_get(data, len) - BOARD_SPI_BASE;
	struct irq_line line;

	if (offset != GIC_V2M_SETSPI || gsi - BOARD_GSI_V2M >= BOARD_NR_V2M)
		return;
	line = irq_line(v2m->vm, gsi);
	irq_line_set(&line, true);
	irq_line_set(&line, false);
}

static const struct bus_ops v2m_bus_ops = { .read = v2m_read, .write = v2m_write };

static void v2m_destroy(struct device *device)
{
	free(CONTAINER_OF(device, struct v2m, device));
}

static const struct device_ops v2m_ops = { .destroy = v2m_destroy };

int gic_v2m_create(struct vm *vm, gpa_t base)
{
	struct v2m *v2m = calloc(1, sizeof(*v2m));

	if (!v2m)
		return -ENOMEM;
	device_init(&v2m->device, &v2m_ops, "gic-v2m");
	v2m->vm = vm;
	v2m->device.description.where =
		(struct device_resource){ RESOURCE_MMIO, base, GIC_V2M_SIZE };
	return device_attach(&v2m->device, vm, &v2m_bus_ops, v2m);
}
