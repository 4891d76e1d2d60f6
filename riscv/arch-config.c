// SPDX-License-Identifier: GPL-2.0-or-later
/* What the command line of a riscv64 guest means: the parts that need no KVM. */
#include <stddef.h>

#include "lkvm/arch.h"
#include "lkvm/devicetree/ram-board.h"

const char arch_name[] = "riscv";

static const char *const irqchips[] = {
	[IRQCHIP_AUTO] = "auto",
	[IRQCHIP_AIA] = "aia",
	[IRQCHIP_PLIC] = "plic",
	NULL,
};

static const char *const cpu_types[] = { [RISCV_CPU_MAX] = "max", [RISCV_CPU_MIN] = "min", NULL };

const struct option_row arch_options[] = {
	{ .kind = OPTION_GROUP, .help = "riscv64" },
	OPTION_ROW(
		CHOICE, "irqchip", CONFIG_FIELD(arch.irqchip), .argument = "KIND",
		.choices = irqchips, .help = "Interrupt controller: auto, aia or plic",
		.man = "aia gives PCI devices message-signalled interrupts and is KVM's work; plic "
		       "is lkvm's own, and slower. auto, the default, is aia where the host's KVM "
		       "has it."),
	RAM_BOARD_DUMP_DTB,
	OPTION_ROW(
		CHOICE, "cpu-type", CONFIG_FIELD(arch.isa.cpu_type), .argument = "TYPE",
		.choices = cpu_types,
		.help = "What CPUs can do: all that the host's can (max) or the base (min)",
		.man = "min is rv64imafdc with Zicntr, Zicsr, Zifencei, Zihpm, and Sstc if the "
		       "host has it. Others "
		       "are taken away as far as the host can; of those that it cannot take away "
		       "the guest is not told. Without Ssaia the interrupt controller is a PLIC."),
	OPTION_ROW(
		UINT, "suspend-seconds", CONFIG_FIELD(arch.sbi.suspend_seconds), .argument = "N",
		.min = 1,
		.help = "A guest that suspends itself to RAM goes on after N seconds (default: 5)",
		.man = "It takes a host with Linux 6.15 or later. A guest with an aia and a kernel "
		       "older than Linux 7.0 has no interrupts of its devices afterwards."),
	OPTION_ROW(GIVEN, "custom-mvendorid", CONFIG_FIELD(arch.sbi.mvendorid), .argument = "N",
		   .help = "The guest's CPUs say that they are of this vendor"),
	OPTION_ROW(GIVEN, "custom-marchid", CONFIG_FIELD(arch.sbi.marchid), .argument = "N",
		   .help = "The guest's CPUs say that they are of this architecture"),
	OPTION_ROW(GIVEN, "custom-mimpid", CONFIG_FIELD(arch.sbi.mimpid), .argument = "N",
		   .help = "The guest's CPUs say that they are of this implementation"),
	RISCV_SBI_OPTIONS RISCV_ISA_OPTIONS{ 0 },
};

const char *const arch_kernel_paths[] = {
	"Image",
	"arch/riscv/boot/Image",
	"arch/riscv/boot/Image.gz",
	"arch/riscv/boot/vmlinuz.efi",
	"../../arch/riscv/boot/Image",
	NULL,
};
