/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUEST_TRIPLE_H
#define GUEST_TRIPLE_H

#include "guest.h"

/* No interrupt table, then an exception: the CPU shuts down. */
static inline void triple_fault(void)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) nothing = { 0, 0 };

	__asm__ volatile("lidt %0; mov %1, %%ds" : : "m"(nothing), "r"(0x80));
	print("FAIL: still here\n");
	stop();
}

#endif
