/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses that say of which kind they are, under a KVM made for that (tests/lab/kvm/access-kind.c): while EBP has one of two
 * words in it, an instruction's data are taken for private or shared memory, as an SEV-SNP guest's are by a bit of its
 * page tables. KVM learns of an access only by a fault, so pages are forgotten before they are accessed anew.
 */
#ifndef GUEST_ACCESS_H
#define GUEST_ACCESS_H

#include "private.h"

#define AS_PRIVATE 0x70726976U
#define AS_SHARED  0x73686172U

/* The stack must not be used in between, nor may a compiler use EBP. */
static inline u32 read_as(u32 kind, u32 address)
{
	u32 value, kept;

	__asm__ volatile("mov %%ebp, %1\n\tmov %2, %%ebp\n\tmov (%3), %0\n\tmov %1, %%ebp"
			 : "=&a"(value), "=&S"(kept)
			 : "c"(kind), "d"(address)
			 : "memory");
	return value;
}

static inline void write_as(u32 kind, u32 address, u32 value)
{
	u32 kept;

	__asm__ volatile("mov %%ebp, %0\n\tmov %1, %%ebp\n\tmov %3, (%2)\n\tmov %0, %%ebp"
			 : "=&S"(kept)
			 : "c"(kind), "d"(address), "a"(value)
			 : "memory");
}

/* The next access to each of them is a fault, with which KVM looks at its kind. */
static inline void forget(u32 address, u32 pages)
{
	CHECK_EQ("a hypercall to forget pages", hypercall(0x666f7267, address / PAGE, pages, 0), 0);
}

#endif
