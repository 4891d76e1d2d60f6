/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's code as one of its vCPUs sees it. */
#ifndef RISCV_WALK_H
#define RISCV_WALK_H

#include "lkvm/memory/memory.h"

/*
 * The physical address of `va` by the page tables of satp, whichever depth they have. 0 or -EFAULT: it is not mapped, or
 * the tables are outside memory. Bounded: a table a level.
 */
int riscv_translate(const struct guest_memory *memory, u64 satp, u64 va, gpa_t *gpa);

/* The instruction at `va`; *len is its bytes, 2 or 4, what is above them in *code is 0. 0 or -EFAULT. */
int riscv_fetch(const struct guest_memory *memory, u64 satp, u64 va, u32 *code, unsigned *len);

#endif
