/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device's side of a split virtqueue (virtio 1.3, 2.7). Everything a driver could get wrong is
 * bounded here, once, for every device and transport: ring addresses, sizes, indexes, chain lengths,
 * indirect tables. Each descriptor is copied once. A broken ring breaks the device
 * (DEVICE_NEEDS_RESET), never lkvm.
 *
 * A queue is used by one thread at a time: the loop its device gave it.
 *
 * A queue is three areas of guest memory. The guest can write to all of them at any moment; by the
 * protocol each has one writer:
 *
 *   state.desc                    state.driver                   state.device_area
 *   descriptor table              available ring                 used ring
 *   written by the DRIVER         written by the DRIVER          written by the DEVICE (us)
 *  +-----------------------+     +------------------------+     +------------------------+
 *  | addr len flags next   | 0   | flags (no interrupts)  |     | flags (no kicks)       |
 *  | addr len flags next   | 1   | idx                    |     | idx                    |
 *  |          ...          |     | ring[0]       head     |     | ring[0]  head, written |
 *  |          ...          |     |          ...           |     |          ...           |
 *  | addr len flags next   |     | ring[size-1]  head     |     | ring[size-1]           |
 *  +-----------------------+     | used_event             |     | avail_event            |
 *    size-1 is the last          +------------------------+     +------------------------+
 *
 * A head is the number of a chain's first descriptor. Indexes count up and wrap at 65536; the entry
 * of index i is ring[i & (size - 1)].
 *
 *   in guest memory   written by   when                           what we keep of it
 *   avail.idx         driver       after ring[] and descriptors   seen_avail: as last read, checked
 *   (none)                                                        next_avail: the entry to pop next
 *   used.idx          device       after ring[] and the data      next_used: what we wrote last
 *   used_event        driver       "interrupt me past this"       signalled: next_used at the last look
 *   avail_event       device       "kick me past this"            kicks_off
 *
 *   next_used <= next_avail <= seen_avail <= next_avail + size    (modulo 65536)
 *
 * used.idx and avail_event are never read back: what the guest writes there changes nothing for us.
 *
 * One chain's way, and what orders it:
 *
 *   driver            descriptors, avail.ring[], RELEASE, avail.idx; full fence; reads avail_event or
 *                     used.flags, kicks if they ask for it
 *   virtqueue_pop     avail.idx, ACQUIRE, avail.ring[next_avail++], descriptors: the head is busy
 *   virtqueue_push    data, used.ring[next_used++], RELEASE, used.idx: the head is the driver's again
 *   virtqueue_signal  full fence; reads used_event or avail.flags, interrupts if they ask for it
 *   virtqueue_kick_on writes avail_event or used.flags; full fence; reads avail.idx once more, since
 *                     what came before the driver saw our wish brings no kick
 */
#ifndef LKVM_VIRTIO_VIRTQUEUE_H
#define LKVM_VIRTIO_VIRTQUEUE_H

#include "lkvm/util/iov.h"
#include "lkvm/memory/memory.h"

#define VIRTQUEUE_MAX_SIZE	  1024
/* All descriptors of one chain together, in bytes. */
#define VIRTQUEUE_MAX_CHAIN_BYTES MIB(256)
/* Chains taken before the queue's loop gets to look at its other work. */
#define VIRTQUEUE_BUDGET	  1024

struct virtio_device;
struct virtqueue;
struct vring_desc;
struct vring_avail;
struct vring_used;

/* How a queue reaches the one it belongs to; each may be NULL. Called on the queue's thread. */
struct virtqueue_ops {
	void (*interrupt)(struct virtqueue *vq);
	void (*broken)(struct virtqueue *vq, const char *why);
	/* The budget is spent and chains are left: come back through the loop. */
	void (*again)(struct virtqueue *vq);
};

/* All of a queue that a guest sees or that follows from what it did; no chain is under way while a device is quiesced. */
struct virtqueue_state {
	/* Written by the transport (vCPU thread) while not enabled, frozen afterwards. */
	gpa_t desc, driver, device_area; /* descriptor table, avail ring, used ring */
	u16 size;			 /* entries; a power of two once enabled */
	/* The queue's thread. */
	u16 next_avail; /* what we look at next */
	u16 next_used;	/* what we write next */
	u16 signalled;	/* next_used when the driver was last considered for an interrupt */
	u8 kicks_off;	/* we asked the driver not to kick */
	u8 broken;
	u8 enabled; /* the transport's, as above */
	u8 unused[5];
};
_Static_assert(sizeof(struct virtqueue_state) == 40, "no padding");

struct virtqueue {
	/* Constant. */
	struct virtio_device *device;
	const struct virtqueue_ops *ops; /* NULL: none of them */
	unsigned index;
	u16 max_size;
	bool big_endian; /* the rings are, as a legacy driver's may be; written while not enabled */
	struct virtqueue_state state;
	/* Set by virtqueue_enable. */
	bool event_idx, indirect;
	bool guarded; /* the guest may make the rings private, see guest_memory_may_vanish() */
	const struct guest_memory *memory;
	const struct vring_desc *desc_ring; /* all three NULL while not enabled */
	const struct vring_avail *avail;
	struct vring_used *used;
	/* The queue's thread. */
	bool plain; /* enabled, not broken, little-endian, not guarded: what nearly every queue always is */
	u16 seen_avail;			   /* the driver's index when last read */
	unsigned budget;		   /* chains left before ops->again */
	u64 busy[VIRTQUEUE_MAX_SIZE / 64]; /* heads taken and not pushed */
};

/* One request of the driver: its buffers as host memory, in the caller's iov array. */
struct virtq_chain {
	u16 head; /* below vq->state.size; no two chains in flight have the same */
	unsigned nr_out,
		nr_in; /* iov[0..nr_out) is for reading, iov[nr_out..nr_out+nr_in) for writing */
	u32 out_len, in_len; /* bytes in each part */
	struct iovec *iov;   /* the caller's */
	unsigned iov_max;    /* entries in it; a longer chain breaks the queue */
};

/*
 * Validates and maps the rings (size, desc, driver, device_area, big_endian); state back to its beginning.
 * `features` is what the driver accepted (EVENT_IDX, INDIRECT_DESC). -EINVAL when something is wrong:
 * the caller breaks the device.
 */
int virtqueue_enable(struct virtqueue *vq, const struct guest_memory *memory, u64 features);
/* Nothing can be popped or pushed any more (both do nothing), chains in flight are forgotten. */
void virtqueue_disable(struct virtqueue *vq);

/*
 * Takes the next chain. 1: chain is filled. 0: none now; notify is called when there may be one.
 * -errno: the ring is broken; the device has been marked, the caller just returns. chain->iov and
 * iov_max must be set. Descriptors of length 0 are left out.
 */
int virtqueue_pop(struct virtqueue *vq, struct virtq_chain *chain);

/*
 * Gives back the chain popped last, whose head that is, as if never taken. Several are given back newest first. No effect
 * on a queue that was reset meanwhile.
 */
void virtqueue_unpop(struct virtqueue *vq, u16 head);

/* Completes a chain: `written` bytes of its writable part were filled. Order is free. */
void virtqueue_push(struct virtqueue *vq, u16 head, u32 written);

struct virtq_used {
	u16 head;
	u32 written;
};

/*
 * Completes several chains in this order; the driver sees all of them or none. For a frame in more
 * than one receive buffer (virtio 1.3, 5.1.6.4).
 */
void virtqueue_push_many(struct virtqueue *vq, const struct virtq_used *used, unsigned nr);

/* After a batch of pushes: interrupts the driver if it wants to know (EVENT_IDX, flags). */
void virtqueue_signal(struct virtqueue *vq);

/*
 * Suppression of kicks. A handler does: do { virtqueue_kick_off(vq); while (pop...) ...; }
 * while (virtqueue_kick_on(vq)); kick_on returns true when a chain slipped in meanwhile.
 */
void virtqueue_kick_off(struct virtqueue *vq);
bool virtqueue_kick_on(struct virtqueue *vq);

/* Marks the whole device as broken: DEVICE_NEEDS_RESET, config interrupt, one line in the log. */
void virtqueue_break(struct virtqueue *vq, const char *fmt, ...) __printf(2, 3);

#endif
