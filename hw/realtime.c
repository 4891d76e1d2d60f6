// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "lkvm/util/log.h"
#include "realtime.h"

s64 realtime_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void on_timer(struct loop_fd *handler, u32 events)
{
	struct realtime_timer *timer = CONTAINER_OF(handler, struct realtime_timer, handler);
	u64 count;

	/* ECANCELED (the clock was set) needs the same answer as an expiry. */
	while (read(handler->fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	timer->expired(timer);
}

int realtime_timer_init(struct realtime_timer *timer, struct loop *loop,
			void (*expired)(struct realtime_timer *timer), const char *who)
{
	int err;

	timer->loop = loop;
	timer->expired = expired;
	timer->handler.ready = on_timer;
	timer->handler.fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer->handler.fd >= 0)
		return 0;
	err = -errno;
	log_fatal("%s: no timer: %s", who, strerror(errno));
	timer->expired = NULL;
	return err;
}

int realtime_timer_start(struct realtime_timer *timer)
{
	return loop_fd_add(timer->loop, &timer->handler, EPOLLIN);
}

void realtime_timer_set(struct realtime_timer *timer, s64 when)
{
	struct itimerspec spec = { 0 };

	if (when >= 0) {
		/* 0 would disarm it; a time in the past fires at once. */
		when = MAX(when, (s64)1);
		spec.it_value.tv_sec = when / NSEC_PER_SEC;
		spec.it_value.tv_nsec = when % NSEC_PER_SEC;
	}
	/* Becomes readable when the host's clock is set, which moves every deadline. */
	timerfd_settime(timer->handler.fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &spec,
			NULL);
}

void realtime_timer_exit(struct realtime_timer *timer)
{
	if (!timer->expired)
		return;
	loop_fd_del(&timer->handler);
	close(timer->handler.fd);
	timer->expired = NULL;
}
