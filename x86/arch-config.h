/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that only x86 has. */
#ifndef X86_ARCH_CONFIG_H
#define X86_ARCH_CONFIG_H

#include "snp-config.h"

/* The most that --cpus takes, and what it is by default on a larger host. */
#define ARCH_MAX_CPUS 255

struct arch_config {
	bool no_acpi; /* only an MP table, for kernels built without ACPI */
	struct snp_config snp;
};

#endif
