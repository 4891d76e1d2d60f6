// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine before it has vCPUs: address space, memory, interrupt controller. */
#include <sys/ioctl.h>

#include "arch-vm.h"
#include "lkvm/arch.h"
#include "lkvm/devicetree/ram-board.h"
#include "lkvm/pci/pci.h"
#include "psci.h"

static unsigned host_ipa_bits(int kvm_fd)
{
	int bits = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);

	return bits > 0 ? bits : IPA_BITS_DEFAULT;
}

/* Bits for RAM and, as far as the host has that many, a window for PCI behind it. */
static unsigned ipa_bits_for(const struct vm_config *config, int kvm_fd)
{
	u64 end = ram_board_base(config) + config->memory + PCI_WINDOW64_MAX;
	unsigned bits = IPA_BITS_DEFAULT;

	while (bits < 63 && BIT(bits) < end)
		bits++;
	return MIN(bits, host_ipa_bits(kvm_fd));
}

int arch_vm_type(const struct vm_config *config, int kvm_fd, unsigned long *type)
{
	const struct confidential_ops *kind = arm64_confidential(config);
	unsigned bits = ipa_bits_for(config, kvm_fd);
	int err = ram_boot_check_bits(config, host_ipa_bits(kvm_fd));

	if (err)
		return err;
	/* 0 means the default to every kernel, also to those that know no other. */
	*type = bits == IPA_BITS_DEFAULT ? 0 : KVM_VM_TYPE_ARM_IPA_SIZE(bits);
	*type |= kind->vm_type;
	return kind->check_host ? kind->check_host(kind, kvm_fd, *type) : 0;
}

void board_describe_boot(const struct vm_config *config, struct ram_boot *boot)
{
	boot->arch = config->arch.aarch32 ? NULL : &image_arm64;
	boot->firmware = config->arch.firmware_address;
	boot->kaslr_seed = config->arch.kaslr_seed.given ? &config->arch.kaslr_seed.value : NULL;
}

int arch_vm_create(struct vm *vm)
{
	const struct confidential_ops *kind = arm64_confidential(vm->config);
	struct arch_vm *arm64 = vm->arch;

	vm->private_memory = kind->private_memory;
	vm->single_boot = kind->single_boot;
	arm64->ipa_bits = ipa_bits_for(vm->config, vm->kvm_fd);
	/* Without the window BARs that could be anywhere are where 32-bit kernels reach them. */
	arm64->window64_end = vm->config->arch.aarch32 ? 0 : BIT(arm64->ipa_bits);
	return ram_boot_add_memory(&arm64->boot, vm) ?:
	       pvtime_lay_out(vm) ?:
	       vm_map_memory(vm) ?:
	       gic_create(vm, &arm64->gic) ?:
	       arm64_choose_features(vm) ?:
	       psci_setup(vm);
}
