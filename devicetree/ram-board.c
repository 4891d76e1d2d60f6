// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch-vm.h"
#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/devicetree/ram-board.h"
#include "lkvm/hw/pvpanic.h"
#include "lkvm/hw/serial-ports.h"
#include "lkvm/pci/pci.h"
#include "lkvm/vm/irq.h"

gpa_t ram_board_base(const struct vm_config *config)
{
	return config->memory_address ?: BOARD_RAM;
}

int arch_open_files(struct vm *vm)
{
	vm->arch = calloc(1, sizeof(*vm->arch));
	return vm->arch ? ram_boot_open(&vm->arch->boot, vm->config) : -ENOMEM;
}

void arch_vm_destroy(struct vm *vm)
{
	if (!vm->arch)
		return;
	ram_boot_close(&vm->arch->boot);
	board_destroy_irqchip(vm);
	free(vm->arch);
	vm->arch = NULL;
}

const struct boot_file *arch_kernel_file(const struct vm *vm)
{
	return &vm->arch->boot.kernel_file;
}

int arch_load(struct vm *vm)
{
	return ram_boot_load(&vm->arch->boot, vm);
}

static int create_pci(struct vm *vm)
{
	struct pci_board board = {
		.ecam_base = BOARD_ECAM,
		.ecam_size = BOARD_ECAM_SIZE,
		.mmio_base = BOARD_PCI_MMIO,
		.mmio_size = BOARD_PCI_MMIO_SIZE,
		.io_base = BOARD_PCI_IO,
		.io_size = BOARD_PCI_IO_SIZE,
		.io_mmio = BOARD_PCI_IO_MMIO,
		.intx_gsi = { BOARD_GSI_PCI_INTA, BOARD_GSI_PCI_INTA + 1, BOARD_GSI_PCI_INTA + 2,
			      BOARD_GSI_PCI_INTA + 3 },
	};

	pci_board_window64(&board, ram_board_base(vm->config) + vm->config->memory,
			   vm->arch->window64_end);
	return pci_host_create(vm, &board);
}

int arch_create_devices(struct vm *vm)
{
	/* All vCPUs exist now, so the interrupt controller can be what it has to be for them. */
	int err = board_init_irqchip(vm);

	for (unsigned i = 0; i < BOARD_NR_SERIAL; i++)
		err = err
			      ?: serial_port_create(vm, i, RESOURCE_MMIO,
						    BOARD_SERIAL + i * BOARD_SERIAL_DISTANCE,
						    BOARD_GSI_SERIAL + i);
	err = err ?: board_create_clocks(vm);
	err = err ?: pvpanic_create(vm, RESOURCE_MMIO, BOARD_PVPANIC);
	return err ?: create_pci(vm);
}

int arch_virtio_mmio_slot(struct vm *vm, unsigned index, struct device_resource *where, int *gsi)
{
	if (index >= BOARD_NR_VIRTIO_MMIO)
		return -ENOSPC;
	*where = (struct device_resource){
		.kind = RESOURCE_MMIO,
		.base = BOARD_VIRTIO_MMIO + index * BOARD_VIRTIO_MMIO_SIZE,
		.size = BOARD_VIRTIO_MMIO_SIZE,
	};
	*gsi = BOARD_GSI_VIRTIO_MMIO + index;
	return 0;
}

int ram_board_init_irqs(struct vm *vm, unsigned first, u32 line_base)
{
	struct kvm_irq_routing_entry pins[BOARD_NR_GSIS];
	unsigned nr = 0;

	memset(pins, 0, sizeof(pins));
	for (unsigned gsi = first; gsi < BOARD_NR_GSIS; gsi++, nr++) {
		pins[nr].gsi = gsi;
		pins[nr].type = KVM_IRQ_ROUTING_IRQCHIP;
		pins[nr].u.irqchip.pin = gsi;
	}
	return irq_init(vm, pins, nr, BOARD_NR_GSIS, line_base);
}
