// SPDX-License-Identifier: GPL-2.0-or-later
/* --vm-type: what the manual pages of every architecture's lkvm need of it. */
#include "vm-type.h"

const char *const x86_vm_type_names[] = {
	[VM_TYPE_DEFAULT] = "default",
	[VM_TYPE_SW_PROTECTED] = "sw-protected",
	[VM_TYPE_SNP] = "snp",
	NULL,
};
