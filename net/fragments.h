/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4 datagrams that a guest sends in pieces, put together. Of 4.7.0's own way to do it, and of that of
 * later ones, it is known that pieces in the wrong order corrupt memory, and that those of datagrams that
 * are never whole are kept without a bound. So no libslirp, of whatever version, ever sees a piece.
 */
#ifndef LKVM_NET_FRAGMENTS_H
#define LKVM_NET_FRAGMENTS_H

#include <stddef.h>
#include "wire.h"

#define FRAGMENT_SETS	      16
#define FRAGMENT_DATAGRAM_MAX 65535
#define FRAGMENT_HEADER_MAX   (ETH_HEADER + 60)

/* One thread at a time. Zero-initialise; all of it is fragments.c's. */
struct fragments {
	/* One datagram. Its buffer stays when it is done with, for the next one. */
	struct fragment_set {
		struct fragment_key {
			u32 from, to;
			u16 id;
			u8 protocol;
		} key;
		u64 begun; /* ns; 0: not in use */
		u8 *data;  /* FRAGMENT_HEADER_MAX bytes for the header, then what came */
		u8 header[FRAGMENT_HEADER_MAX];
		unsigned
			header_len; /* of the first piece, Ethernet's included; 0: it has not come */
		unsigned have, end; /* bytes behind the header that came, and where the last ends */
		unsigned total;	    /* 0: the last piece has not come */
		u8 units[FRAGMENT_DATAGRAM_MAX / 64 + 1]; /* a bit for each 8 bytes that came */
	} sets[FRAGMENT_SETS];
};

/* Its buffers. */
void fragments_free(struct fragments *fragments);

/* Is this Ethernet frame a piece of an IPv4 datagram? */
bool is_fragment(const u8 *frame, size_t len);

/*
 * Takes a frame that is one, at `now` (ns). NULL: it was kept, or is of no use. Otherwise the frame with the
 * whole datagram that it completes, *len bytes, the caller's until the next call.
 */
u8 *fragments_take(struct fragments *fragments, const u8 *frame, size_t *len, u64 now);

#endif
