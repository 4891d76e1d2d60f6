/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an arm64 guest has beside struct vm's common part. Main thread unless said otherwise. */
#ifndef ARM64_ARCH_VM_H
#define ARM64_ARCH_VM_H

struct arch_vm {
	struct arm64_vm *arm64;
};

#endif
