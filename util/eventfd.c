// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <libaio.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>
#include <uapi/libc.h>
#include "lkvm/util/eventfd.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

static bool eventfd_ready(int fd, short events)
{
	struct pollfd ready = { .fd = fd, .events = events };

	return poll(&ready, 1, 0) == 1 && ready.revents & events;
}

bool eventfd_drain(int fd)
{
	eventfd_t count;
	struct iovec iov = { &count, sizeof(count) };
	ssize_t n = preadv2(fd, &iov, 1, -1, RWF_NOWAIT);

	if (n >= 0 || errno != EOPNOTSUPP)
		return n == sizeof(count);
	/* Before Linux 5.8. */
	return eventfd_ready(fd, POLLIN) && !eventfd_read(fd, &count);
}

/* One for the process, made when it is first wanted: the kernel takes long to take one apart. */
static pthread_mutex_t poker_lock = PTHREAD_MUTEX_INITIALIZER;
static io_context_t poker; /* the lock's, as the next; NULL: none yet */
static int poker_ready = -1;

static bool poker_begin(void)
{
	if (poker)
		return true;
	if (poker_ready < 0)
		poker_ready = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	return poker_ready >= 0 && !io_setup(1, &poker);
}

/* A request that is done at once, whose end the kernel signals: it adds to a full eventfd without waiting. */
static bool poker_signal(int fd)
{
	struct iocb request, *list = &request;
	struct io_event done;

	if (!poker_begin())
		return false;
	memset(&request, 0, sizeof(request));
	io_prep_poll(&request, poker_ready, POLLIN);
	io_set_eventfd(&request, fd);
	return io_submit(poker, 1, &list) == 1 && io_getevents(poker, 1, 1, &done, NULL) == 1;
}

void eventfd_poke(int fd)
{
	bool done;

	pthread_mutex_lock(&poker_lock);
	done = poker_signal(fd);
	pthread_mutex_unlock(&poker_lock);
	if (!done && eventfd_ready(fd, POLLOUT))
		eventfd_write(fd, 1);
}
