// SPDX-License-Identifier: GPL-2.0-or-later
/* The board's devices: which there are and where they go. */
#include <errno.h>

#include "acpi.h"
#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/hw.h"
#include "lkvm/pci.h"
#include "x86-vm.h"

static const struct hw_place serial_ports[] = {
	{ .kind = RESOURCE_PORT, .base = 0x3f8, .gsi = 4 },
	{ .kind = RESOURCE_PORT, .base = 0x2f8, .gsi = 3 },
	{ .kind = RESOURCE_PORT, .base = 0x3e8, .gsi = 4 },
	{ .kind = RESOURCE_PORT, .base = 0x2e8, .gsi = 3 },
};

static const struct hw_place rtc = { .kind = RESOURCE_PORT, .base = 0x70, .gsi = BOARD_GSI_RTC };

/*
 * Interrupts for virtio-mmio. Those of the ISA come first: a kernel that is told of a device on its
 * command line knows no others.
 */
static const u8 virtio_mmio_gsis[] = { 5, 9, 10, 11, 12, 14, 15, 6, 7, 20, 21, 22, 23 };
#define NR_ISA_VIRTIO_MMIO_GSIS 9

int arch_create_devices(struct vm *vm)
{
	int error = serial_ports_create(vm, serial_ports, ARRAY_SIZE(serial_ports));

	if (!error)
		error = rtc_cmos_create(vm, &rtc);
	if (!error)
		error = i8042_create(vm);
	if (!error)
		error = pvpanic_port_create(vm, BOARD_PORT_PVPANIC);
	if (!error)
		error = acpi_pm_create(vm, BOARD_PORT_PM);
	if (!error)
		error = pci_host_create(vm, &vm->arch.x86->pci);
	if (!error && vm->config->firmware)
		error = x86_firmware_create_devices(vm);
	return error;
}

int arch_virtio_mmio_slot(struct vm *vm, unsigned index, struct device_resource *where, int *gsi)
{
	unsigned nr_gsis =
		vm->config->arch.no_acpi ? NR_ISA_VIRTIO_MMIO_GSIS : ARRAY_SIZE(virtio_mmio_gsis);

	/* A wire each: levels of two devices on one would lower each other's. */
	if (index >= nr_gsis)
		return -ENOSPC;
	*where = (struct device_resource){
		.kind = RESOURCE_MMIO,
		.base = BOARD_VIRTIO_MMIO + index * BOARD_VIRTIO_MMIO_SIZE,
		.size = BOARD_VIRTIO_MMIO_SIZE,
	};
	*gsi = virtio_mmio_gsis[index];
	return 0;
}
