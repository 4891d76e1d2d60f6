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

/*
 * Signals it. Any thread. Where the kernel's AIO is exhausted this is right, too, except for an eventfd that is changed at the
 * same moment.
 */
void eventfd_poke(int fd);

#endif
