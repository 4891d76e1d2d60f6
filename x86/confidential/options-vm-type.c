// SPDX-License-Identifier: GPL-2.0-or-later
/* --vm-type: what of it needs no KVM, and so is a part of the manual pages of every architecture's lkvm. */
#include <errno.h>

#include "lkvm/util/log.h"
#include "vm-type.h"

const char *const x86_vm_type_names[] = {
	[VM_TYPE_DEFAULT] = "default",
	[VM_TYPE_SW_PROTECTED] = "sw-protected",
	[VM_TYPE_SNP] = "snp",
	NULL,
};

int x86_check_vm_type(const struct vm_config *config)
{
	enum x86_vm_type type = config->arch.vm_type;

	if (type == VM_TYPE_DEFAULT)
		return 0;
	/* It would be both halves at once. */
	if (config->memory_backend.kind == MEMORY_GUEST_MEMFD) {
		log_fatal(
			"--mem-backend guest-memfd does not go together with --vm-type %s, whose private memory is one already; any other would work",
			x86_vm_type_names[type]);
		return -EINVAL;
	}
	/* Nothing in the old interface tells a driver to share what it passes. */
	if (config->transport != TRANSPORT_PCI_LEGACY && config->transport != TRANSPORT_MMIO_LEGACY)
		return 0;
	log_fatal(
		"--virtio-transport pci-legacy and mmio-legacy do not go together with --vm-type %s: their drivers pass memory that the guest does not share; pci or mmio would work",
		x86_vm_type_names[type]);
	return -EINVAL;
}
