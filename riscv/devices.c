// SPDX-License-Identifier: GPL-2.0-or-later
/* The board's devices: which there are and where they go. */

#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/hw/pvpanic.h"
#include "lkvm/hw/rtc-goldfish.h"
#include "lkvm/hw/serial-ports.h"
#include "lkvm/pci/pci.h"
#include "riscv-vm.h"

static const struct device_row virtio_mmio = {
	.base = BOARD_VIRTIO_MMIO,
	.size = BOARD_VIRTIO_MMIO_SIZE,
	.nr = BOARD_NR_VIRTIO_MMIO,
	.gsi = BOARD_GSI_VIRTIO_MMIO,
};

int arch_create_devices(struct vm *vm)
{
	struct arch_vm *riscv = vm->arch;
	/* All vCPUs exist now, so the interrupt controller can be what it has to be for them. */
	int err = riscv->irqchip.ops->init(vm);

	if (!err)
		err = serial_ports_create_row(vm, BOARD_SERIAL, BOARD_SERIAL_DISTANCE,
					      BOARD_GSI_SERIAL, BOARD_NR_SERIAL);
	if (!err)
		err = rtc_goldfish_create(vm, BOARD_RTC, BOARD_GSI_RTC);
	if (!err)
		err = pvpanic_mmio_create(vm, BOARD_PVPANIC);
	if (!err)
		err = pci_host_create(vm, &riscv->pci);
	return err;
}

int arch_virtio_mmio_slot(struct vm *vm, unsigned index, struct device_resource *where, int *gsi)
{
	return device_row_place(&virtio_mmio, index, where, gsi);
}
