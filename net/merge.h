/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP segments of one connection that follow each other, put together into one: libslirp spends a send(2) and
 * an acknowledgement on each segment, however long it is. A checksum that is wrong stays wrong.
 */
#ifndef LKVM_NET_MERGE_H
#define LKVM_NET_MERGE_H

#include "lkvm/util/types.h"

/* Of a frame made of several. libslirp's buffer for it is still one that its heap keeps. */
#define MERGE_MAX (32 << 10)

/* Zero-initialise. One thread. */
struct merge {
	u32 len;      /* bytes so far; 0: nothing */
	u32 segments; /* that they are made of */
	u32 header;   /* Ethernet's and IP's */
	u32 sum;      /* of the data, as in a checksum */
	u8 frame[MERGE_MAX];
};

/*
 * Takes an Ethernet frame that nobody changes meanwhile: the first one, or one that goes on where the others
 * end. False: it is neither; merge_end first, and the frame itself goes on as it is if it still is not taken.
 */
bool merge_add(struct merge *merge, const u8 *frame, u32 len);
/* What was taken, valid until the next call, and then there is nothing. NULL: there is nothing. */
const u8 *merge_end(struct merge *merge, u32 *len);

#endif
