// SPDX-License-Identifier: GPL-2.0-or-later
/* What the command line of a riscv64 guest means: the parts that need no KVM. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/log.h"
#include "lkvm/ram_boot.h"

const char arch_name[] = "riscv";

static const char *const irqchips[] = {
	[IRQCHIP_AUTO] = "auto",
	[IRQCHIP_AIA] = "aia",
	[IRQCHIP_PLIC] = "plic",
	NULL,
};

static int parse_irqchip(struct vm_config *config, const struct option_row *row, const char *value)
{
	int choice = option_choice(row, value);

	if (choice < 0)
		return choice;
	config->arch.irqchip = choice;
	return 0;
}

const struct option_row arch_options[] = {
	{ .kind = OPTION_GROUP, .help = "riscv64" },
	{
		.kind = OPTION_CALL,
		.name = "irqchip",
		.argument = "KIND",
		.help = "Interrupt controller: auto, aia or plic",
		.man = "aia gives PCI devices message-signalled interrupts and is KVM's work; plic "
		       "is lkvm's own, and slower. auto, the default, is aia where the host's KVM "
		       "has it.",
		.parse = parse_irqchip,
		.choices = irqchips,
	},
	{
		.kind = OPTION_STRING,
		.name = "dump-dtb",
		.argument = "FILE",
		.help = "Write the guest's device tree to FILE",
		.man = "It is written as the guest gets it, before the guest starts; dtc shows it.",
		.offset = offsetof(struct vm_config, arch.dump_dtb),
	},
	{ 0 },
};

const char *const arch_kernel_paths[] = {
	"Image", "arch/riscv/boot/Image", "arch/riscv/boot/Image.gz", "arch/riscv/boot/vmlinuz.efi",
	NULL,
};

void arch_config_init(struct arch_config *config)
{
	memset(config, 0, sizeof(*config));
}

int arch_config_check(const struct vm_config *config)
{
	return ram_boot_check_config(config, BOARD_RAM);
}

int arch_cmdline(const struct vm_config *config, char *buffer, size_t size)
{
	int error = cmdline_add(
		buffer, size, config->console == CONSOLE_VIRTIO ? "console=hvc0" : "console=ttyS0");

	return error ?: cmdline_add(buffer, size, "panic=-1");
}
