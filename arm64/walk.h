/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's code as one of its vCPUs sees it. */
#ifndef ARM64_WALK_H
#define ARM64_WALK_H

#include "lkvm/memory/memory.h"

/* What translates a virtual address: registers of one of the upper and one of the lower half. */
struct arm64_mmu {
	bool on;
	u64 tcr, ttbr0, ttbr1;
};

/*
 * The physical address of `va` by the guest's page tables. 0 or -EFAULT: it is not mapped, or the tables are
 * outside memory. Bounded: a table a level.
 */
int arm64_translate(const struct guest_memory *memory, const struct arm64_mmu *mmu, u64 va,
		    gpa_t *gpa);

/* The instruction at `va`, of A64. 0 or -EFAULT. */
int arm64_fetch(const struct guest_memory *memory, const struct arm64_mmu *mmu, u64 va, u32 *code);

#endif
