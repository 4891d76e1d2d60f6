// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "arch-vm.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/credential.h"
#include "lkvm/vm/vm.h"
#include "uapi/kvm-arm64.h"

static const struct confidential_ops none = { .option = NULL };

/* Only a try tells: there is no capability for it. */
static int protected_check_host(const struct confidential_ops *ops, int kvm_fd, unsigned long type)
{
	int err, fd = ioctl(kvm_fd, KVM_CREATE_VM, type);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	err = -errno;
	log_fatal("%s: this host's KVM cannot protect guests from the host (%s); it takes %s",
		  ops->option, strerror(errno), ops->needs);
	return err;
}

/* What is the host's business in any other guest is the hypervisor's in these. */
static int protected_check_config(const struct vm_config *config)
{
	const struct arch_config *arch = &config->arch;
	const struct {
		bool there;
		const char *name;
	} rows[] = {
		{ arch->nested, "--nested" },
		{ arch->aarch32, "--aarch32" },
		{ arch->psci, "--psci" },
		{ arch->counter_offset, "--counter-offset" },
		{ arch->irqchip == IRQCHIP_GICV2, "--irqchip gicv2" },
		{ arch->irqchip == IRQCHIP_GICV2M, "--irqchip gicv2m" },
		{ config->memory_backend.kind != MEMORY_ANONYMOUS, "--mem-backend" },
	};

	if (confidential_check_sharing(arm64_confidential(config), config)
		    ?: credential_check_confidential(arm64_confidential(config), config))
		return -EINVAL;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].there)
			continue;
		log_fatal("%s and --protected do not go together: KVM has no such thing for "
			  "protected guests; leave one out",
			  rows[i].name);
		return -EINVAL;
	}
	return confidential_check_transport(arm64_confidential(config), config);
}

static const struct confidential_ops protected = {
	.option = "--protected",
	.needs = "Linux 7.1 or later with the kernel parameter kvm-arm.mode=protected",
	.vm_type = KVM_VM_TYPE_ARM_PROTECTED,
	.private_memory = true,
	.single_boot = true,
	.check_config = protected_check_config,
	.check_host = protected_check_host,
};

const struct confidential_ops *arm64_confidential(const struct vm_config *config)
{
	return config->arch.protected ? &protected : &none;
}
