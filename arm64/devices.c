// SPDX-License-Identifier: GPL-2.0-or-later
/* The board's devices: which there are and where they go. */

#include "arm64-vm.h"
#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/hw/cfi-flash.h"
#include "lkvm/hw/place.h"
#include "lkvm/hw/pvpanic.h"
#include "lkvm/hw/rtc-cmos.h"
#include "lkvm/hw/rtc-pl031.h"
#include "lkvm/hw/serial-ports.h"
#include "lkvm/pci/pci.h"
#include "pmu.h"

/* EDK2's build for this board reads the time here, and does without interrupts. */
static const struct hw_place firmware_rtc = {
	.kind = RESOURCE_MMIO,
	.base = BOARD_RTC_CMOS,
	.gsi = -1,
};

static const struct device_row virtio_mmio = {
	.base = BOARD_VIRTIO_MMIO,
	.size = BOARD_VIRTIO_MMIO_SIZE,
	.nr = BOARD_NR_VIRTIO_MMIO,
	.gsi = BOARD_GSI_VIRTIO_MMIO,
};

int arch_create_devices(struct vm *vm)
{
	struct arch_vm *arm64 = vm->arch;
	/* All vCPUs exist now, so the interrupt controller can be what it has to be for them. */
	int error = gic_init(vm, &arm64->gic);

	if (!error && vm->config->reboot)
		error = gic_note_reset_state(vm, &arm64->gic);
	if (!error)
		error = pmu_init(vm);
	if (!error && arm64->gic.kind == IRQCHIP_GICV2M)
		error = gic_v2m_create(vm, arm64->gic.msi);
	if (!error)
		error = serial_ports_create_row(vm, BOARD_SERIAL, BOARD_SERIAL_DISTANCE,
						BOARD_GSI_SERIAL, BOARD_NR_SERIAL);
	if (!error)
		error = rtc_pl031_create(vm, BOARD_RTC, BOARD_GSI_RTC);
	if (!error && vm->config->firmware)
		error = rtc_cmos_create(vm, &firmware_rtc, NULL);
	if (!error && arm64->flash)
		error = cfi_flash_create(vm, &arm64->flash, BOARD_FLASH);
	if (!error)
		error = pvpanic_mmio_create(vm, BOARD_PVPANIC);
	if (!error)
		error = pci_host_create(vm, &arm64->pci);
	return error;
}

int arch_virtio_mmio_slot(struct vm *vm, unsigned index, struct device_resource *where, int *gsi)
{
	return device_row_place(&virtio_mmio, index, where, gsi);
}
