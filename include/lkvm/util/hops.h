/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hop limits (IP_TTL, IPV6_UNICAST_HOPS) that are set again and again: libslirp sets its socket's before each
 * datagram that it sends, mostly to what it is already.
 */
#ifndef LKVM_UTIL_HOPS_H
#define LKVM_UTIL_HOPS_H

/* Sockets with higher numbers have nothing remembered. */
#define HOPS_SOCKETS 2048

/*
 * The number is a new socket's. Until hops_forget(), setsockopt(2), in libraries too, makes no system call when it would
 * set the hop limit that it set last. For every other descriptor it does what the C library's does. One thread.
 */
void hops_remember(int fd);
/* Before the number is closed. */
void hops_forget(int fd);

#endif
