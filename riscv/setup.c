// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine before it has vCPUs: address space, memory, interrupt controller, PCI windows. */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/util/log.h"
#include "riscv-vm.h"

#define CMDLINE_MAX 1024 /* COMMAND_LINE_SIZE of riscv kernels */

/* What hosts that cannot be asked give: that of Sv39x4. */
#define GPA_BITS_DEFAULT 41

static gpa_t ram_base(const struct vm_config *config)
{
	return config->memory_address ?: BOARD_RAM;
}

static unsigned host_gpa_bits(int kvm_fd)
{
	int bits = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_VM_GPA_BITS);

	return bits > 0 ? bits : GPA_BITS_DEFAULT;
}

int arch_vm_type(const struct vm_config *config, int kvm_fd, unsigned long *type)
{
	*type = 0;
	return ram_boot_check_bits(config, ram_base(config), host_gpa_bits(kvm_fd));
}

static void set_up_boot(struct vm *vm, struct arch_vm *riscv)
{
	riscv->boot = (struct ram_boot){
		.ram = ram_base(vm->config),
		.cmdline_max = CMDLINE_MAX,
		.arch = &image_riscv64,
		.dump_dtb = vm->config->arch.dump_dtb,
		.bus = "/soc",
		.console = BOARD_SERIAL,
		.add_nodes = riscv_add_nodes,
	};
}

int arch_load(struct vm *vm)
{
	return ram_boot_load(&vm->arch->boot, vm);
}

static void lay_out_pci(struct vm *vm, struct arch_vm *riscv)
{
	riscv->pci = (struct pci_board){
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
	pci_board_window64(&riscv->pci, riscv->boot.ram + vm->config->memory, BIT(riscv->gpa_bits));
}

int arch_open_files(struct vm *vm)
{
	struct arch_vm *riscv = calloc(1, sizeof(*riscv));

	if (!riscv)
		return -ENOMEM;
	vm->arch = riscv;
	set_up_boot(vm, riscv);
	return ram_boot_open(&riscv->boot, vm->config);
}

const struct boot_file *arch_kernel_file(const struct vm *vm)
{
	return &vm->arch->boot.kernel_file;
}

int arch_vm_create(struct vm *vm)
{
	struct arch_vm *riscv = vm->arch;
	int err;

	riscv->gpa_bits = host_gpa_bits(vm->kvm_fd);
	err = ram_boot_add_memory(&riscv->boot, vm);
	if (!err)
		err = ram_boot_check(&riscv->boot, vm->config);
	if (!err)
		err = vm_map_memory(vm);
	if (!err)
		err = irqchip_create(vm);
	if (err)
		return err;
	lay_out_pci(vm, riscv);
	return 0;
}

void arch_vm_destroy(struct vm *vm)
{
	struct arch_vm *riscv = vm->arch;

	if (!riscv)
		return;
	ram_boot_close(&riscv->boot);
	irqchip_destroy(vm);
	free(riscv);
	vm->arch = NULL;
}
