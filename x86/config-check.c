// SPDX-License-Identifier: GPL-2.0-or-later
/* Options of an x86 guest that do not go together. Not in arch-config.c, whose table all architectures' builds compile. */
#include <errno.h>

#include "confidential/vm-type.h"
#include "lkvm/arch.h"
#include "lkvm/util/log.h"

int arch_config_check(const struct vm_config *config)
{
	if (config->memory_address) {
		log_fatal("--mem: the memory of an x86 guest begins at 0, not at 0x%llx",
			  (unsigned long long)config->memory_address);
		return -EINVAL;
	}
	return x86_confidential(config)->check_config(config);
}
