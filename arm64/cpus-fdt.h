/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ARM64_CPUS_FDT_H
#define ARM64_CPUS_FDT_H

#include "lkvm/boot/fdt.h"

struct vm;

/* The node of all CPUs: each one, how they are grouped, their caches. Main thread, vCPUs parked. */
void cpus_fdt(struct fdt_tree *tree, struct vm *vm);

#endif
