// SPDX-License-Identifier: GPL-2.0-or-later
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lkvm/util/loop.h"
#include "lkvm/util/spin.h"

/* The kernel's shortest. */
#define SLICE_NS      100000ULL
/* SCHED_FLAG_RESET_ON_FORK: what this process starts is not meant. */
#define RESET_ON_FORK 1
/* What comes within this is quick. */
#define QUICK_NS      50000ULL
/* A thread that keeps the CPU for longer than this is not one of those we wait for. */
#define TAKEN_NS      500000ULL
/* How long such a busy CPU is assumed to stay busy: giving it away costs a time slice. */
#define BUSY_NS	      200000000ULL

/* What sched_getattr(2) fills; not all C libraries have it. */
struct attributes {
	u32 size, policy;
	u64 flags;
	int nice;
	u32 priority;
	u64 runtime, deadline, period;
};

/*
 * On a busy machine a thread that wakes gets the CPU sooner the shorter its slice is, and loses less by
 * giving it away. Its share stays the same. Kernels before 6.12 ignore this.
 */
static void shorten_slice(void)
{
	struct attributes attributes = { .size = sizeof(attributes) };

	if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) ||
	    attributes.policy != SCHED_OTHER)
		return;
	attributes.flags = RESET_ON_FORK;
	attributes.runtime = SLICE_NS;
	syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void spin_begin(struct spin *spin)
{
	if (!spin->start)
		shorten_slice();
	spin->start = clock_now();
	spin->last = 0;
}

bool spin_on(struct spin *spin)
{
	u64 now;

	if (!spin->quick || spin->start < spin->not_then)
		return false;
	if (!spin->last) {
		spin->last = spin->start;
		return true;
	}
	sched_yield();
	now = clock_now();
	if (now - spin->last > TAKEN_NS)
		spin->not_then = now + BUSY_NS;
	spin->last = now;
	return now - spin->start < QUICK_NS;
}

void spin_end(struct spin *spin)
{
	spin->quick = clock_now() - spin->start < QUICK_NS;
}
