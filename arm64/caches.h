/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The caches that a guest is told of. Which there are at the levels near the CPU is what KVM says in
 * CLIDR_EL1, as a guest that reads it must find the same in the device tree. How large they are, and what
 * follows behind them, is told by the host. Main thread.
 */
#ifndef ARM64_CACHES_H
#define ARM64_CACHES_H

#include "lkvm/util/types.h"

#define CACHE_MAX_LEVELS 7 /* CLIDR_EL1 has room for so many */

struct cache {
	bool there;
	u32 size; /* bytes; 0: not known, nor are lines and sets */
	u32 line; /* bytes */
	u32 sets;
};

struct cache_level {
	bool split;  /* instructions and data apart; else `data` is for both */
	bool shared; /* by all CPUs of the guest */
	struct cache data, instructions;
};

struct hierarchy {
	struct cache_level levels[CACHE_MAX_LEVELS];
	unsigned nr;
	bool known; /* it was looked up */
};

/*
 * Fills levels[0] for level 1 and so on, and returns how many there are. `folder` is like
 * /sys/devices/system/cpu/cpu0/cache.
 */
unsigned caches_find(u64 clidr, const char *folder, unsigned nr_vcpus,
		     struct cache_level levels[CACHE_MAX_LEVELS]);

#endif
