// SPDX-License-Identifier: GPL-2.0-or-later
/* The board's devices: which there are and where they go. */
#include <errno.h>

#include "tables/acpi.h"
#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/hw/i8042.h"
#include "lkvm/hw/pvpanic.h"
#include "lkvm/hw/rtc-cmos.h"
#include "lkvm/hw/serial-ports.h"
#include "lkvm/pci/pci.h"
#include "lkvm/vm/port-latch.h"
#include "memory-watch.h"
#include "x86-vm.h"

#define RTC_PORT 0x70

static const struct {
	u16 port;
	u8 gsi;
} serial_ports[] = { { 0x3f8, 4 }, { 0x2f8, 3 }, { 0x3e8, 4 }, { 0x2e8, 3 } };

/*
 * Interrupts for virtio-mmio. Those of the ISA come first, since the PICs have them too. A kernel that is told of a device
 * on its command line knows no others; without ACPI there is no SCI either.
 */
static const u8 virtio_mmio_gsis[] = { 5, 12, 14, 15, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23 };
static const u8 virtio_mmio_isa_gsis[] = { 5, 12, 14, 15, 6, 7, 1, 13, BOARD_GSI_SCI };

int arch_create_devices(struct vm *vm)
{
	struct irq_line alarm;
	int sci = vm->config->arch.no_acpi ? -1 : BOARD_GSI_SCI, err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(serial_ports) && !err; i++)
		err = serial_port_create(vm, i, RESOURCE_PORT, serial_ports[i].port,
					 serial_ports[i].gsi);
	err = err ?: acpi_pm_create(vm, BOARD_PORT_PM, sci, &alarm);
	err = err ?: rtc_cmos_create(vm, RESOURCE_PORT, RTC_PORT, BOARD_GSI_RTC, &alarm);
	if (err)
		return err;
	port_latch_create(vm, RTC_PORT); /* the index, written before each byte */
	err = i8042_create(vm) ?: pvpanic_create(vm, RESOURCE_PORT, BOARD_PORT_PVPANIC) ?:
	      pci_host_create(vm, &vm->arch->pci);
	if (!err && vm->config->firmware)
		err = x86_firmware_create_devices(vm);
	return err ?: memory_watch_create(vm);
}

int arch_virtio_mmio_slot(struct vm *vm, unsigned index, struct device_resource *where, int *gsi)
{
	bool isa = vm->config->arch.no_acpi;
	unsigned nr_gsis = isa ? ARRAY_SIZE(virtio_mmio_isa_gsis) : ARRAY_SIZE(virtio_mmio_gsis);

	/* A wire each: levels of two devices on one would lower each other's. */
	if (index >= nr_gsis)
		return -ENOSPC;
	*where = (struct device_resource){
		.kind = RESOURCE_MMIO,
		.base = BOARD_VIRTIO_MMIO + index * BOARD_VIRTIO_MMIO_SIZE,
		.size = BOARD_VIRTIO_MMIO_SIZE,
	};
	*gsi = isa ? virtio_mmio_isa_gsis[index] : virtio_mmio_gsis[index];
	return 0;
}
