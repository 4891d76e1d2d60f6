/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a riscv64 guest has beside struct vm's common part. Main thread unless said otherwise. */
#ifndef RISCV_ARCH_VM_H
#define RISCV_ARCH_VM_H

struct arch_vm {
	struct riscv_vm *riscv;
};

#endif
