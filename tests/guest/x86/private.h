/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages that a guest makes private and shared again, as Linux's KVM documentation has it (hypercalls.rst,
 * KVM_HC_MAP_GPA_RANGE). Under --vm-type sw-protected all memory begins shared, and a page that was
 * converted is all zeroes. Code, stack and descriptor tables stay where they are, in shared pages.
 */
#ifndef GUEST_PRIVATE_H
#define GUEST_PRIVATE_H

#include "guest.h"

#define PAGE 4096U

#define SHARED	0U
#define PRIVATE (1U << 4)

#define KVM_EINVAL 22U
#define KVM_ENOSYS 1000U

#define KVM_CPUID_FEATURES	     0x40000001U
#define KVM_FEATURE_HC_MAP_GPA_RANGE 16

/* KVM makes of this instruction what the processor has for it. */
static inline u32 hypercall(u32 nr, u32 a, u32 b, u32 c)
{
	u32 answer;

	__asm__ volatile("vmmcall" : "=a"(answer) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return answer;
}

static inline u32 map_gpa_range(u32 gpa, u32 pages, u32 attributes)
{
	return hypercall(12, gpa, pages, attributes);
}

static inline void convert(u32 gpa, u32 pages, u32 attributes)
{
	CHECK_EQ("a conversion", map_gpa_range(gpa, pages, attributes), 0);
}

static inline u32 kvm_features(void)
{
	u32 a = KVM_CPUID_FEATURES, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return a;
}

/* A page of one pattern: each word differs, so that a page in a wrong place, or half of one, shows. */
static inline u32 pattern(u32 seed, u32 word)
{
	return seed + word * 0x9e3779b1U;
}

static inline void fill(u32 page, u32 seed)
{
	volatile u32 *words = (volatile u32 *)page;

	for (u32 i = 0; i < PAGE / 4; i++)
		words[i] = pattern(seed, i);
}

/* Both say the page's address when it is not so. */
static inline void check_fill(const char *what, u32 page, u32 seed)
{
	volatile u32 *words = (volatile u32 *)page;

	for (u32 i = 0; i < PAGE / 4; i++)
		if (words[i] != pattern(seed, i))
			fail(what, (u64)words[i] << 32 | (u32)&words[i]);
}

static inline void check_zero(const char *what, u32 page)
{
	volatile u32 *words = (volatile u32 *)page;

	for (u32 i = 0; i < PAGE / 4; i++)
		if (words[i])
			fail(what, (u64)words[i] << 32 | (u32)&words[i]);
}

#endif
