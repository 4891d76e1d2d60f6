// SPDX-License-Identifier: GPL-2.0-or-later
/* What the command line of an arm64 guest means: the parts that need no KVM. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/boot.h"
#include "lkvm/log.h"

const char arch_name[] = "arm64";

static const char *const irqchips[] = {
	[IRQCHIP_AUTO] = "auto",   [IRQCHIP_GICV2] = "gicv2",	      [IRQCHIP_GICV2M] = "gicv2m",
	[IRQCHIP_GICV3] = "gicv3", [IRQCHIP_GICV3_ITS] = "gicv3-its", NULL,
};

static int parse_irqchip(struct vm_config *config, const struct option_row *row, const char *value)
{
	int choice = option_choice(row, value);

	if (choice < 0)
		return choice;
	config->arch.irqchip = choice;
	return 0;
}

static int parse_counter_offset(struct vm_config *config, const struct option_row *row,
				const char *value)
{
	char *end;

	errno = 0;
	config->arch.counter_offset = strtoull(value, &end, 0);
	if (errno == ERANGE)
		return option_error(row, value, "more than 64 bits");
	/* strtoull takes a minus sign, and blanks before it. */
	if (*end || end == value || *value < '0' || *value > '9')
		return option_error(row, value, "not a number; 1000000 or 0xf4240 would work");
	return 0;
}

const struct option_row arch_options[] = {
	{ .kind = OPTION_GROUP, .help = "arm64" },
	{
		.kind = OPTION_CALL,
		.name = "irqchip",
		.argument = "KIND",
		.help = "Interrupt controller: auto, gicv2, gicv2m, gicv3 or gicv3-its",
		.man = "gicv3-its and gicv2m give PCI devices message-signalled interrupts. auto, "
		       "the "
		       "default, is the best that the host's KVM has, in the order gicv3-its, "
		       "gicv3, "
		       "gicv2m.",
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
	{
		.kind = OPTION_FLAG,
		.name = "nested",
		.help = "Start the guest at EL2, so that it can run guests of its own",
		.man = "The host's KVM must be able to (ARMv8.4 nested virtualization, Linux 6.16 "
		       "or "
		       "later with kvm-arm.mode=nested); the interrupt controller is a GICv3. The "
		       "guest's hypervisor uses the virtualization host extensions (VHE).",
		.offset = offsetof(struct vm_config, arch.nested),
	},
	{
		.kind = OPTION_FLAG,
		.name = "e2h0",
		.help = "With --nested: no VHE, the guest's hypervisor runs with HCR_EL2.E2H 0",
		.man = "The guest cannot nest any further.",
		.offset = offsetof(struct vm_config, arch.e2h0),
	},
	{
		.kind = OPTION_CALL,
		.name = "counter-offset",
		.argument = "N",
		.help = "Subtract N ticks from the guest's virtual and physical counters",
		.parse = parse_counter_offset,
	},
	{ 0 },
};

const char *const arch_kernel_paths[] = {
	"Image", "arch/arm64/boot/Image", "arch/arm64/boot/Image.gz", "arch/arm64/boot/vmlinuz.efi",
	NULL,
};

void arch_config_init(struct arch_config *config)
{
	memset(config, 0, sizeof(*config));
}

static int check_nested(const struct arch_config *arch)
{
	if (!arch->nested) {
		if (arch->e2h0)
			log_warning("--e2h0 means nothing without --nested");
		return 0;
	}
	if (arch->irqchip == IRQCHIP_GICV2 || arch->irqchip == IRQCHIP_GICV2M) {
		log_fatal("--nested --irqchip %s: a guest at EL2 needs a GICv3; leave --irqchip "
			  "out or "
			  "use gicv3-its",
			  irqchips[arch->irqchip]);
		return -EINVAL;
	}
	return 0;
}

int arch_config_check(const struct vm_config *config)
{
	u64 page = sysconf(_SC_PAGESIZE);

	if (!IS_ALIGNED(config->memory, page)) {
		log_fatal("-m: %llu bytes are not a whole number of the host's pages of %llu KiB",
			  (unsigned long long)config->memory, (unsigned long long)page >> 10);
		return -EINVAL;
	}
	return check_nested(&config->arch);
}

int arch_cmdline(const struct vm_config *config, char *buffer, size_t size)
{
	int error = cmdline_add(
		buffer, size, config->console == CONSOLE_VIRTIO ? "console=hvc0" : "console=ttyS0");

	return error ?: cmdline_add(buffer, size, "panic=-1");
}
