// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <libaio.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>
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

void eventfd_poker_init(struct eventfd_poker *poker)
{
	io_context_t context = NULL;

	*poker = (struct eventfd_poker){ .ready = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (poker->ready >= 0 && !io_setup(1, &context))
		poker->context = context;
}

void eventfd_poker_exit(struct eventfd_poker *poker)
{
	if (poker->context)
		io_destroy(poker->context);
	if (poker->ready >= 0)
		close(poker->ready);
	*poker = (struct eventfd_poker){ .ready = -1 };
}

/* A request that is done at once, whose end the kernel signals: it adds to a full eventfd without waiting. */
static bool eventfd_poke_aio(struct eventfd_poker *poker, int fd)
{
	struct iocb request, *list = &request;
	struct io_event done;

	memset(&request, 0, sizeof(request));
	io_prep_poll(&request, poker->ready, POLLIN);
	io_set_eventfd(&request, fd);
	return io_submit(poker->context, 1, &list) == 1 &&
	       io_getevents(poker->context, 1, 1, &done, NULL) == 1;
}

void eventfd_poke(struct eventfd_poker *poker, int fd)
{
	if (poker->context && eventfd_poke_aio(poker, fd))
		return;
	if (eventfd_ready(fd, POLLOUT))
		eventfd_write(fd, 1);
}
