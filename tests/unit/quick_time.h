/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time for a test of one loop and one thread: it jumps to the next timer when there is nothing else to do, so nobody
 * waits, and timers expire in their order on the busiest machine.
 */
#ifndef QUICK_TIME_H
#define QUICK_TIME_H

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "test.h"
#include "lkvm/util/loop.h"

static u64 quick_skipped, quick_due; /* ns; 0: no timer is set */
static int quick_timer;

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int err = syscall(SYS_clock_gettime, clock, ts);
	u64 ns = ts->tv_nsec + quick_skipped;

	if (err || clock != CLOCK_MONOTONIC)
		return err;
	ts->tv_sec += ns / 1000000000;
	ts->tv_nsec = ns % 1000000000;
	return 0;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *old)
{
	const struct itimerspec off = {};

	quick_timer = fd;
	quick_due = when->it_value.tv_sec * 1000000000ULL + when->it_value.tv_nsec;
	return syscall(SYS_timerfd_settime, fd, 0, &off, NULL);
}

static inline void quick_jump(void)
{
	const struct itimerspec at_once = { .it_value.tv_nsec = 1 };
	u64 now = clock_now();

	if (quick_due > now)
		quick_skipped += quick_due - now;
	syscall(SYS_timerfd_settime, quick_timer, 0, &at_once, NULL);
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	int n = epoll_pwait(fd, events, max, 0, NULL);

	if (n || !timeout)
		return n;
	if (quick_due)
		quick_jump();
	return epoll_pwait(fd, events, max, timeout, NULL);
}

#endif
