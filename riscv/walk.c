// SPDX-License-Identifier: GPL-2.0-or-later
/* Privileged specification, "Sv39", "Sv48" and "Sv57", as far as it takes to read a kernel's code. */
#include <endian.h>
#include <errno.h>

#include "walk.h"

#define SATP_MODE(satp) ((satp) >> 60)
#define SATP_SV39	8 /* a level more each: 9, 10 */
#define SATP_SV57	10
#define SATP_PPN	0x00000fffffffffffULL

#define PAGE_SHIFT  12
#define LEVEL_SHIFT 9

#define PTE_VALID    BIT(0)
#define PTE_RWX	     0xe /* none of them: it points to a table */
#define PTE_PPN(pte) ((pte) >> 10 & SATP_PPN)

int riscv_translate(const struct guest_memory *memory, u64 satp, u64 va, gpa_t *gpa)
{
	u64 mode = SATP_MODE(satp), table = (satp & SATP_PPN) << PAGE_SHIFT;

	*gpa = va;
	if (!mode)
		return 0;
	if (mode < SATP_SV39 || mode > SATP_SV57)
		return -EFAULT;
	for (unsigned level = mode - SATP_SV39 + 3; level--;) {
		unsigned shift = PAGE_SHIFT + LEVEL_SHIFT * level;
		u64 index = va >> shift & (BIT(LEVEL_SHIFT) - 1), within = BIT(shift) - 1;
		le64 raw;
		u64 pte;

		if (guest_read(memory, table + index * sizeof(raw), &raw, sizeof(raw)))
			return -EFAULT;
		pte = le64toh(raw);
		if (!(pte & PTE_VALID))
			return -EFAULT;
		table = PTE_PPN(pte) << PAGE_SHIFT;
		if (pte & PTE_RWX) {
			*gpa = (table & ~within) | (va & within);
			return 0;
		}
	}
	return -EFAULT;
}

static int fetch_half(const struct guest_memory *memory, u64 satp, u64 va, u32 *half)
{
	le16 raw;
	gpa_t gpa;

	if (riscv_translate(memory, satp, va, &gpa) || guest_read(memory, gpa, &raw, sizeof(raw)))
		return -EFAULT;
	*half = le16toh(raw);
	return 0;
}

int riscv_fetch(const struct guest_memory *memory, u64 satp, u64 va, u32 *code, unsigned *len)
{
	u32 upper;

	*len = 2;
	if (fetch_half(memory, satp, va, code))
		return -EFAULT;
	if ((*code & 3) != 3)
		return 0;
	*len = 4;
	if (fetch_half(memory, satp, va + 2, &upper))
		return -EFAULT;
	*code |= upper << 16;
	return 0;
}
