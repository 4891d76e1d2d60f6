/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4 datagrams that a guest sends in pieces, put together. Of 4.7.0's own way to do it, and of that of
 * later ones, it is known that pieces in the wrong order corrupt memory, and that those of datagrams that
 * are never whole are kept without a bound. So no libslirp, of whatever version, ever sees a piece.
 */
#ifndef LKVM_NET_FRAGMENTS_H
#define LKVM_NET_FRAGMENTS_H

#include <stddef.h>
#include "lkvm/util/types.h"

struct fragments;

/* One thread at a time. NULL: out of memory. */
struct fragments *fragments_new(void);
void fragments_free(struct fragments *fragments);

/* Is this Ethernet frame a piece of an IPv4 datagram? */
bool is_fragment(const u8 *frame, size_t len);

/*
 * Takes a frame that is one, at `now` (ns). NULL: it was kept, or is of no use. Otherwise the frame with the
 * whole datagram that it completes, *len bytes, the caller's until the next call.
 */
u8 *fragments_take(struct fragments *fragments, const u8 *frame, size_t *len, u64 now);

#endif
