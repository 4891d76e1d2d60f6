/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A platform for the firmware tables' tests: devices that only describe themselves. */
#ifndef PLATFORM_H
#define PLATFORM_H

#include "tables/acpi.h"
#include "board.h"
#include "lkvm/memory/memory.h"

static u8 low_memory[0x20000]; /* 0xe0000 to 1 MiB */
static struct guest_memory memory;
static struct device_list devices;
static struct device uart, blk, silent;
static const struct device_ops no_ops;

static const struct pci_board pci = {
	.ecam_base = BOARD_ECAM,
	.ecam_size = BOARD_ECAM_SIZE,
	.mmio_base = BOARD_PCI_MMIO,
	.mmio_size = BOARD_PCI_MMIO_SIZE,
	.mmio64_base = GIB(64),
	.mmio64_size = GIB(64),
	.io_base = BOARD_PCI_IO,
	.io_size = BOARD_PCI_IO_SIZE,
	.ports = true,
	.intx_gsi = { 10, 11, 10, 11 },
};

static inline int make_platform(void **state)
{
	memset(low_memory, 0, sizeof(low_memory));
	guest_memory_init(&memory);
	guest_memory_add_buffer(&memory, BOARD_ACPI, low_memory, sizeof(low_memory));
	TAILQ_INIT(&devices);
	device_init(&uart, &no_ops, "uart0");
	uart.description.acpi_hid = "PNP0501";
	uart.description.where =
		(struct device_resource){ .kind = RESOURCE_PORT, .base = 0x3f8, .size = 8 };
	uart.description.gsi = 4;
	uart.description.irq_edge = true;
	device_add(&devices, &uart);
	device_init(&silent, &no_ops, "silent");
	device_add(&devices, &silent);
	device_init(&blk, &no_ops, "virtio-blk0");
	blk.description.acpi_hid = "LNRO0005";
	blk.description.where = (struct device_resource){ .kind = RESOURCE_MMIO,
							  .base = BOARD_VIRTIO_MMIO,
							  .size = BOARD_VIRTIO_MMIO_SIZE };
	blk.description.gsi = 5;
	device_add(&devices, &blk);
	return 0;
}

static inline u8 sum(const void *data, size_t len)
{
	const u8 *bytes = data;
	u8 total = 0;

	for (size_t i = 0; i < len; i++)
		total += bytes[i];
	return total;
}

#endif
