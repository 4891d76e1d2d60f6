// SPDX-License-Identifier: GPL-2.0-or-later
/* The board's devices: which there are and where they go. */

#include "arm64-vm.h"
#include "board.h"
#include "lkvm/arch.h"
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
	int err = gic_init(vm, &arm64->gic);

	if (!err && vm->config->reboot)
		err = gic_note_reset_state(vm, &arm64->gic);
	if (!err)
		err = pmu_init(vm);
	if (!err && arm64->gic.kind == IRQCHIP_GICV2M)
		err = gic_v2m_create(vm, arm64->gic.msi);
	if (!err)
		err = serial_ports_create_row(vm, BOARD_SERIAL, BOARD_SERIAL_DISTANCE,
					      BOARD_GSI_SERIAL, BOARD_NR_SERIAL);
	if (!err)
		err = rtc_pl031_create(vm, BOARD_RTC, BOARD_GSI_RTC);
	if (!err && vm->config->firmware)
		err = rtc_cmos_create(vm, &firmware_rtc, NULL);
	if (!err)
		err = pvpanic_mmio_create(vm, BOARD_PVPANIC);
	if (!err)
		err = pci_host_create(vm, &arm64->pci);
	return err;
}

int arch_virtio_mmio_slot(struct vm *vm, unsigned index, struct device_resource *where, int *gsi)
{
	return device_row_place(&virtio_mmio, index, where, gsi);
}
