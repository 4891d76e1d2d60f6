// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "lkvm/util/log.h"
#include "lkvm/vm/confidential.h"
#include "lkvm/vm/vm.h"

/* Nothing in the old interface tells a driver to share what it passes. */
int confidential_check_transport(const struct confidential_ops *ops, const struct vm_config *config)
{
	if (config->transport != TRANSPORT_PCI_LEGACY && config->transport != TRANSPORT_MMIO_LEGACY)
		return 0;
	log_fatal("--virtio-transport pci-legacy and mmio-legacy do not go together with %s: their "
		  "drivers pass memory that the guest does not share; pci or mmio would work",
		  ops->option);
	return -EINVAL;
}

int confidential_check_sharing(const struct confidential_ops *ops, const struct vm_config *config)
{
	if (!config->memory_sharer)
		return 0;
	log_fatal(
		"--%s and %s do not go together: another process serves that device, and would have to see "
		"the guest's memory; leave one out",
		config->memory_sharer, ops->option);
	return -EINVAL;
}
