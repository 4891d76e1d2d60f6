/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking for something for a moment before sleeping until it comes: being woken takes longer than many an
 * answer. Only while things come that quickly, and only on CPUs that nobody else wants.
 */
#ifndef LKVM_UTIL_SPIN_H
#define LKVM_UTIL_SPIN_H

#include "lkvm/util/types.h"

/* Zero-initialise. One thread. */
struct spin {
	bool quick;   /* the last wait was short */
	u64 start;    /* ns: of this wait; 0: it begins with the next spin_on */
	u64 last;     /* ns: of the last spin_on */
	u64 not_then; /* ns: somebody wants the CPU until then, as far as is known */
};

/* A wait begins. The first call asks the scheduler for short time slices for the calling thread. */
void spin_begin(struct spin *spin);
/* True: look, and call it again; false: look for the last time, then sleep. Lets other threads run on this CPU first. */
bool spin_on(struct spin *spin);
/* It is over: something has come. */
void spin_end(struct spin *spin);

#endif
