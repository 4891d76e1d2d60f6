/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames in memory that lkvm and a helper share: of each ring one side puts frames in, the other takes them.
 * Neither believes the other's indices: what cannot be makes a ring `broken`, and then it is full and empty
 * for ever. What a frame contains may change while it is looked at, unless the other side is trusted.
 *
 * Frames are shown to the other side many at a time. Nobody is woken who is awake: a side that will sleep says so
 * with ring_wait_*, and looks once more; what ring_show and ring_wakes_putter say tells the other to wake it, in a
 * way of its own.
 */
#ifndef LKVM_NET_RING_H
#define LKVM_NET_RING_H

#include "lkvm/util/types.h"

#define RING_SIZE (1U << 20)

struct ring_shared;

/* One side's view of one ring. One thread. */
struct ring {
	struct ring_shared *shared;
	u8 *data;
	u32 at;	    /* bytes that this side has put or taken since the beginning, modulo 2^32 */
	u32 other;  /* what the other side had, when last asked */
	u32 len;    /* of the frame that is being put or taken, with what belongs to it */
	bool waits; /* has said so */
	bool broken;
};

/* Both directions. */
struct rings {
	void *base; /* NULL: none */
	struct ring in, out;
};

/* Memory for them: a descriptor, or -errno. Its size cannot change, whoever else has it. */
int rings_memory(void);
/* Maps it. lkvm's `in` is the helper's `out`. 0 or -errno. */
int rings_map(struct rings *rings, int fd, bool helper);
/* Also when there are none; afterwards there are none. */
void rings_unmap(struct rings *rings);

/* ---- the side that puts ---- */

/* Bytes that were put and not taken; all of RING_SIZE when broken. */
u32 ring_used(struct ring *ring);
/* A frame of this length may be put. */
bool ring_has_space(struct ring *ring, u32 len);
/* Where the next frame goes, to be written, and then put by ring_written. NULL: there is no space. */
u8 *ring_reserve(struct ring *ring, u32 len);
void ring_written(struct ring *ring);
/* Copies a frame. False: there is no space. */
bool ring_put(struct ring *ring, const void *frame, u32 len);
/*
 * Asks the taker to wake us when no more than `used` bytes are in it. True: wait, as there are more (or it is
 * broken).
 */
bool ring_wait_space(struct ring *ring, u32 used);
/* Publishes what was put. True: the taker sleeps, wake it. */
bool ring_show(struct ring *ring);

/* ---- the side that takes ---- */

bool ring_empty(struct ring *ring);
/* The next frame, in the shared memory, until ring_taken. NULL: none, or broken. */
const u8 *ring_get(struct ring *ring, u32 *len);
void ring_taken(struct ring *ring);
/* Asks the putter to wake us. True: wait, as it is empty (or broken). */
bool ring_wait_frames(struct ring *ring);
/* Takes that request back. */
void ring_awake(struct ring *ring);
/* True: the putter waits for as much space as there is now, wake it. */
bool ring_wakes_putter(struct ring *ring);

#endif
