/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that only x86 has. */
#ifndef X86_ARCH_CONFIG_H
#define X86_ARCH_CONFIG_H

#include "confidential/snp-config.h"

/* The most that --cpus takes, and what it is by default on a larger host. */
#define ARCH_MAX_CPUS 255

/* What KVM makes of the machine: rows of vm-type.c. */
enum x86_vm_type { VM_TYPE_DEFAULT, VM_TYPE_SW_PROTECTED, VM_TYPE_SNP };

struct arch_config {
	bool no_acpi; /* only an MP table, for kernels built without ACPI */
	enum x86_vm_type vm_type;
	bool no_prefault; /* pages that the guest converts are not faulted in at once */
	struct snp_config snp;
};

#endif
