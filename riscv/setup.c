// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine before it has vCPUs: address space, memory, interrupt controller; and its clock. */
#include <sys/ioctl.h>

#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/devicetree/ram-board.h"
#include "lkvm/hw/rtc-goldfish.h"
#include "arch-vm.h"

/* What hosts that cannot be asked give: that of Sv39x4. */
#define GPA_BITS_DEFAULT 41

static unsigned host_gpa_bits(int kvm_fd)
{
	int bits = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_VM_GPA_BITS);

	return bits > 0 ? bits : GPA_BITS_DEFAULT;
}

int arch_config_check(const struct vm_config *config)
{
	return ram_boot_check_config(config);
}

int arch_vm_type(const struct vm_config *config, int kvm_fd, unsigned long *type)
{
	*type = 0;
	return ram_boot_check_bits(config, host_gpa_bits(kvm_fd));
}

void board_describe_boot(const struct vm_config *config, struct ram_boot *boot)
{
	boot->arch = &image_riscv64;
}

int arch_vm_create(struct vm *vm)
{
	vm->arch->window64_end = BIT(host_gpa_bits(vm->kvm_fd));
	return ram_boot_add_memory(&vm->arch->boot, vm) ?: vm_map_memory(vm) ?: irqchip_create(vm);
}

int board_create_clocks(struct vm *vm)
{
	return rtc_goldfish_create(vm, BOARD_RTC, BOARD_GSI_RTC);
}
