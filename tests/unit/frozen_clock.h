/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's clock, in the hands of the test: while not 0, CLOCK_REALTIME stands at `frozen` ns. */
#ifndef TEST_FROZEN_CLOCK_H
#define TEST_FROZEN_CLOCK_H

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hw_vm.h"

#define SECOND 1000000000LL

static s64 frozen, frozen_step; /* ns; it goes on by that much each time it is looked at */

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (clock != CLOCK_REALTIME || !frozen)
		return syscall(SYS_clock_gettime, clock, ts);
	ts->tv_sec = frozen / SECOND;
	ts->tv_nsec = frozen % SECOND;
	frozen += frozen_step;
	return 0;
}

static void end_turn(struct loop_timer *timer)
{
	loop_stop(test_vm.vm.loop);
}

/* Runs the loop that long, by the host's real clock. */
static inline void turn(u64 ns)
{
	static struct loop_timer timer = { .expired = end_turn };

	loop_timer_set(test_vm.vm.loop, &timer, ns);
	loop_run(test_vm.vm.loop);
}

#endif
