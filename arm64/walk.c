// SPDX-License-Identifier: GPL-2.0-or-later
/* Arm ARM D8: one stage of translation, as far as it takes to read a kernel's code. */
#include <endian.h>
#include <errno.h>

#include "walk.h"

#define TCR_SIZE(tcr, upper)	((tcr) >> ((upper) ? 16 : 0) & 0x3f)
#define TCR_GRANULE(tcr, upper) ((tcr) >> ((upper) ? 30 : 14) & 3)

#define ADDRESS_MASK 0x0000ffffffffffffULL /* all that a guest's memory has */
#define TTBR_MASK    0x0000ffffffffffc0ULL
#define VALID	     BIT(0)
#define TABLE	     BIT(1) /* at the last level: a page */

static bool is_upper(u64 va)
{
	return va & BIT(55);
}

/* Bits of an address within a page; 0: a reserved value. */
static unsigned page_shift(u64 tcr, bool upper)
{
	static const u8 lower_shifts[] = { 12, 16, 14, 0 }, upper_shifts[] = { 0, 14, 12, 16 };

	return upper ? upper_shifts[TCR_GRANULE(tcr, true)] : lower_shifts[TCR_GRANULE(tcr, false)];
}

static u64 low_bits(unsigned n)
{
	return BIT(n) - 1;
}

int arm64_translate(const struct guest_memory *memory, const struct arm64_mmu *mmu, u64 va,
		    gpa_t *gpa)
{
	bool upper = is_upper(va);
	unsigned page = page_shift(mmu->tcr, upper), step = page - 3;
	unsigned bits = 64 - TCR_SIZE(mmu->tcr, upper);
	u64 table = (upper ? mmu->ttbr1 : mmu->ttbr0) & TTBR_MASK;

	*gpa = va;
	if (!mmu->on)
		return 0;
	if (!page || bits <= page || bits > 52)
		return -EFAULT;
	va &= low_bits(bits);
	for (unsigned level = (bits - page + step - 1) / step; level--;) {
		unsigned shift = page + step * level;
		/* In the first table there may be fewer entries; va has no more bits. */
		u64 index = va >> shift & low_bits(step);
		le64 raw;
		u64 entry;

		if (guest_read(memory, table + index * sizeof(raw), &raw, sizeof(raw)))
			return -EFAULT;
		entry = le64toh(raw);
		if (!(entry & VALID) || (!level && !(entry & TABLE)))
			return -EFAULT;
		if (!level || !(entry & TABLE)) {
			*gpa = (entry & ADDRESS_MASK & ~low_bits(shift)) | (va & low_bits(shift));
			return 0;
		}
		table = entry & ADDRESS_MASK & ~low_bits(page);
	}
	return -EFAULT;
}

int arm64_fetch(const struct guest_memory *memory, const struct arm64_mmu *mmu, u64 va, u32 *code)
{
	le32 raw;
	gpa_t gpa;

	if (arm64_translate(memory, mmu, va, &gpa) || guest_read(memory, gpa, &raw, sizeof(raw)))
		return -EFAULT;
	*code = le32toh(raw);
	return 0;
}
