/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Eventfds that another process has, too. It may fill one, and may take O_NONBLOCK from it, which is of the eventfd and not of a
 * descriptor: a plain read(2) or write(2) would wait for that process. These never do.
 */
#ifndef LKVM_UTIL_EVENTFD_H
#define LKVM_UTIL_EVENTFD_H

#include "lkvm/util/types.h"

/* Takes all signals that are there. True: there were some. Any thread. */
bool eventfd_drain(int fd);

struct eventfd_poker {
	void *context; /* of the kernel's AIO; NULL: none was to be had */
	int ready;
};

/* Never fails: where AIO is exhausted, eventfd_poke() is right except for an eventfd that is changed at the same moment. */
void eventfd_poker_init(struct eventfd_poker *poker);
void eventfd_poker_exit(struct eventfd_poker *poker);
/* Signals it. One thread at a time. */
void eventfd_poke(struct eventfd_poker *poker, int fd);

#endif
