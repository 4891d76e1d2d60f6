/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's real time, and a timer on it, for clocks that show the time of day. Somebody may set the
 * host's clock: the handler is then called too, and looks again.
 */
#ifndef HW_REALTIME_H
#define HW_REALTIME_H

#include "lkvm/util/loop.h"

#define NSEC_PER_SEC 1000000000LL

/* CLOCK_REALTIME in ns. Any thread. */
s64 realtime_now(void);

/* Embedded in its owner. */
struct realtime_timer {
	struct loop_fd handler;
	struct loop *loop;
	void (*expired)(struct realtime_timer *timer); /* on the loop's thread */
};

/* `who` is for the message. Logs and returns -errno on failure. */
int realtime_timer_init(struct realtime_timer *timer, struct loop *loop,
			void (*expired)(struct realtime_timer *timer), const char *who);
/* From here on expired() is called. Main thread. 0 or -errno. */
int realtime_timer_start(struct realtime_timer *timer);
/* Any thread: at `when`, CLOCK_REALTIME in ns, soon if that is past; negative: never. */
void realtime_timer_set(struct realtime_timer *timer, s64 when);
/* Main thread. Also right for one that is all zero or whose init failed. */
void realtime_timer_exit(struct realtime_timer *timer);

#endif
