// SPDX-License-Identifier: GPL-2.0-or-later
/* Options of an arm64 guest that do not go together. Apart from their table, which every architecture's manual has. */
#include <errno.h>

#include "arch-vm.h"
#include "lkvm/arch.h"
#include "lkvm/devicetree/ram-boot.h"
#include "lkvm/util/log.h"

#define INSTRUCTION_SIZE 4 /* bytes, as everything begins in A64 or A32 */

static int check_cpu(const struct arch_config *arch)
{
	if (arch->disable_sve && arch->sve_max_vl) {
		log_fatal("--sve-max-vl and --disable-sve do not go together: leave one out");
		return -EINVAL;
	}
	return 0;
}

/* In the order of how much it would surprise. */
static int check_aarch32(const struct vm_config *config)
{
	const struct arch_config *arch = &config->arch;
	const char *other = arch->nested ? "--nested" : arch->sve_max_vl ? "--sve-max-vl" : NULL;

	if (!arch->aarch32)
		return 0;
	if (other) {
		log_fatal("%s and --aarch32 do not go together: 32-bit CPUs have no %s; leave one "
			  "out",
			  other, arch->nested ? "EL2 for guests" : "scalable vectors");
		return -EINVAL;
	}
	if (config->memory_address >= GIB(4)) {
		log_fatal(
			"--mem: memory at 0x%llx is out of a 32-bit guest's reach when it begins; "
			"less than 4 GiB would work",
			(unsigned long long)config->memory_address);
		return -EINVAL;
	}
	return 0;
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
			  "out or use gicv3-its",
			  arm64_irqchip_names[arch->irqchip]);
		return -EINVAL;
	}
	return 0;
}

static int check_firmware(const struct vm_config *config)
{
	u64 address = config->arch.firmware_address;

	if (!config->firmware) {
		if (address)
			log_warning("--firmware-address means nothing without --firmware");
		return 0;
	}
	if (config->kernel || config->nr_initrds) {
		log_fatal("--firmware %s: it runs instead of a kernel; leave --kernel and --initrd "
			  "out, or --firmware",
			  config->firmware);
		return -EINVAL;
	}
	if (!IS_ALIGNED(address, INSTRUCTION_SIZE)) {
		log_fatal("--firmware-address 0x%llx: no instruction can be there; a multiple of "
			  "%u would work",
			  (unsigned long long)address, INSTRUCTION_SIZE);
		return -EINVAL;
	}
	return 0;
}

static int check_kind(const struct vm_config *config)
{
	const struct confidential_ops *kind = arm64_confidential(config);

	return kind->check_config ? kind->check_config(config) : 0;
}

int arch_config_check(const struct vm_config *config)
{
	return ram_boot_check_config(config) ?:
	       check_firmware(config) ?:
	       check_cpu(&config->arch) ?:
	       check_kind(config) ?:
	       check_aarch32(config) ?:
	       check_nested(&config->arch);
}
