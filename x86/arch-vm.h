/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an x86 guest has beside struct vm's common part. Main thread unless said otherwise. */
#ifndef X86_ARCH_VM_H
#define X86_ARCH_VM_H

#include "lkvm/util/types.h"

struct arch_vm {
	struct x86_vm *x86;
};

#endif
