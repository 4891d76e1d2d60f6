/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The instruction set extensions of vCPUs. */
#ifndef RISCV_ISA_H
#define RISCV_ISA_H

#include "lkvm/fdt.h"

struct vcpu;

/* What a vCPU has of what the host offers; before it runs. 0 or -errno, said. */
int isa_choose(struct vcpu *vcpu);
/* The properties of a CPU's node that tell of them: riscv,isa, riscv,isa-base, riscv,isa-extensions ... */
void isa_fdt(struct fdt_tree *tree, struct vcpu *vcpu);

#endif
