// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine before it has vCPUs: address space, memory, interrupt controller, PCI windows. */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "arm64-vm.h"
#include "board.h"
#include "confidential.h"
#include "lkvm/arch.h"
#include "psci.h"
#include "pvtime.h"

/* What hosts that cannot be asked give. */
#define IPA_BITS_DEFAULT 40

#define CMDLINE_MAX 2048 /* COMMAND_LINE_SIZE of arm64 kernels */

static gpa_t ram_base(const struct vm_config *config)
{
	return config->memory_address ?: BOARD_RAM;
}

/* Bits for RAM and, as far as the host has that many, a window for PCI behind it. */
static unsigned bits_for(u64 end)
{
	unsigned bits = IPA_BITS_DEFAULT;

	while (bits < 63 && BIT(bits) < end)
		bits++;
	return bits;
}

static unsigned host_ipa_bits(int kvm_fd)
{
	int bits = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);

	return bits > 0 ? bits : IPA_BITS_DEFAULT;
}

int arch_vm_type(const struct vm_config *config, int kvm_fd, unsigned long *type)
{
	const struct confidential_ops *kind = arm64_confidential(config);
	unsigned host = host_ipa_bits(kvm_fd);
	u64 end = ram_base(config) + config->memory;
	unsigned bits = MIN(bits_for(end + PCI_WINDOW64_MAX), host);
	int err = ram_boot_check_bits(config, ram_base(config), host);

	if (err)
		return err;
	/* 0 means the default to every kernel, also to those that know no other. */
	*type = bits == IPA_BITS_DEFAULT ? 0 : KVM_VM_TYPE_ARM_IPA_SIZE(bits);
	*type |= kind->vm_type;
	return kind->check_host ? kind->check_host(kind, kvm_fd, *type) : 0;
}

static void set_up_boot(struct vm *vm, struct arch_vm *arm64)
{
	const struct vm_config *config = vm->config;

	arm64->boot = (struct ram_boot){
		.ram = ram_base(config),
		.firmware = config->arch.firmware_address,
		.cmdline_max = CMDLINE_MAX,
		.arch = config->arch.aarch32 ? NULL : &image_arm64,
		.dump_dtb = config->arch.dump_dtb,
		.bus = "",
		.console = BOARD_SERIAL,
		.interrupt_parent = BOARD_PHANDLE_GIC,
		.kaslr_seed = config->arch.kaslr_seed_given ? &config->arch.kaslr_seed : NULL,
		.add_nodes = arm64_add_nodes,
	};
}

int arch_load(struct vm *vm)
{
	return ram_boot_load(&vm->arch->boot, vm);
}

static void lay_out_pci(struct vm *vm, struct arch_vm *arm64)
{
	arm64->pci = (struct pci_board){
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
	/* Without it BARs that could be anywhere are where 32-bit kernels reach them. */
	if (!vm->config->arch.aarch32)
		pci_board_window64(&arm64->pci, arm64->boot.ram + vm->config->memory,
				   BIT(arm64->ipa_bits));
}

int arch_open_files(struct vm *vm)
{
	struct arch_vm *arm64 = calloc(1, sizeof(*arm64));

	if (!arm64)
		return -ENOMEM;
	vm->arch = arm64;
	set_up_boot(vm, arm64);
	return ram_boot_open(&arm64->boot, vm->config);
}

const struct boot_file *arch_kernel_file(const struct vm *vm)
{
	return &vm->arch->boot.kernel_file;
}

int arch_vm_create(struct vm *vm)
{
	const struct confidential_ops *kind = arm64_confidential(vm->config);
	struct arch_vm *arm64 = vm->arch;
	int err;

	vm->private_memory = kind->private_memory;
	vm->single_life = kind->single_life;
	arm64->ipa_bits =
		MIN(bits_for(ram_base(vm->config) + vm->config->memory + PCI_WINDOW64_MAX),
		    host_ipa_bits(vm->kvm_fd));
	err = ram_boot_add_memory(&arm64->boot, vm);
	if (!err)
		err = ram_boot_check(&arm64->boot, vm->config);
	if (!err)
		err = pvtime_lay_out(vm);
	if (!err)
		err = vm_map_memory(vm);
	if (!err)
		err = gic_create(vm, &arm64->gic);
	if (!err)
		err = arm64_choose_features(vm);
	if (!err)
		err = psci_setup(vm);
	if (err)
		return err;
	lay_out_pci(vm, arm64);
	return 0;
}

void arch_vm_destroy(struct vm *vm)
{
	struct arch_vm *arm64 = vm->arch;

	if (!arm64)
		return;
	ram_boot_close(&arm64->boot);
	gic_destroy(&arm64->gic);
	free(arm64);
	vm->arch = NULL;
}
