/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver's side of a split virtqueue, for tests: rings and buffers in a plain piece of memory.
 * ring_add() behaves like a good driver; ring_desc(), ring_offer() and the pointers let a test be a bad
 * one. A legacy driver's ring may be big-endian: set `big`.
 */
#ifndef TEST_RING_H
#define TEST_RING_H

#include <assert.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include "lkvm/virtio/virtqueue.h"

#define RING_BASE 0x100000ULL /* where ring_memory puts the buffer */

struct ring {
	u8 *ram; /* the guest's memory: [base, base + ram_size) */
	gpa_t base;
	u64 ram_size;
	u16 size;
	bool big;
	gpa_t desc_gpa, avail_gpa, used_gpa;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	gpa_t heap; /* next free byte for buffers */
	u16 next_desc;
	u16 next_used; /* what the driver looks at next */
};

/* Between the ring's byte order and ours, either way. */
static inline u16 ring16(const struct ring *r, u16 value)
{
	return r->big ? be16toh(value) : le16toh(value);
}

static inline u32 ring32(const struct ring *r, u32 value)
{
	return r->big ? be32toh(value) : le32toh(value);
}

static inline u64 ring64(const struct ring *r, u64 value)
{
	return r->big ? be64toh(value) : le64toh(value);
}

/* A pointer to guest memory, checked. */
static inline void *ring_ptr(struct ring *r, gpa_t gpa, u64 len)
{
	assert(gpa >= r->base && len <= r->ram_size && gpa - r->base <= r->ram_size - len);
	return r->ram + (gpa - r->base);
}

/* Guest memory for buffers and tables. */
static inline gpa_t ring_alloc(struct ring *r, u64 len)
{
	gpa_t gpa = r->heap;

	ring_ptr(r, gpa, len);
	r->heap += ALIGN_UP(len, 16);
	return gpa;
}

/* Pointers to where the addresses are, and nothing in the rings. */
static inline void ring_map(struct ring *r)
{
	u16 size = r->size;

	r->desc = ring_ptr(r, r->desc_gpa, 16ULL * size);
	r->avail = ring_ptr(r, r->avail_gpa, 6 + 2ULL * size);
	r->used = ring_ptr(r, r->used_gpa, 6 + 8ULL * size);
	memset(r->desc, 0, 16ULL * size);
	memset(r->avail, 0, 6 + 2ULL * size);
	memset(r->used, 0, 6 + 8ULL * size);
}

/*
 * Puts a queue's rings at `at` in guest memory that begins at `base`. Several rings may share the
 * memory when each gets `at` and `end` of its own: [at, end).
 */
static inline void ring_init_at(struct ring *r, u8 *ram, gpa_t base, u64 ram_size, u16 size,
				gpa_t at, gpa_t end)
{
	*r = (struct ring){ .ram = ram, .base = base, .ram_size = ram_size, .size = size };
	r->heap = ALIGN_UP(at, 16);
	r->desc_gpa = ring_alloc(r, 16ULL * size);
	r->avail_gpa = ring_alloc(r, 6 + 2ULL * size);
	r->used_gpa = ring_alloc(r, 6 + 8ULL * size);
	assert(r->heap <= end);
	ring_map(r);
}

/* The legacy layout: one area at `at`, the used ring in it aligned to `align`. */
static inline void ring_init_legacy(struct ring *r, u8 *ram, gpa_t base, u64 ram_size, u16 size,
				    gpa_t at, u32 align, bool big)
{
	*r = (struct ring){ .ram = ram, .base = base, .ram_size = ram_size, .size = size };
	r->big = big;
	r->desc_gpa = at;
	r->avail_gpa = at + 16ULL * size;
	r->used_gpa = (r->avail_gpa + 6 + 2ULL * size + align - 1) / align * align;
	r->heap = ALIGN_UP(r->used_gpa + 6 + 8ULL * size, 16);
	ring_map(r);
}

static inline void ring_init(struct ring *r, u8 *ram, gpa_t base, u64 ram_size, u16 size)
{
	ring_init_at(r, ram, base, ram_size, size, base, base + ram_size);
}

/* Tells a queue where this ring is, and enables it (tests without a device). */
static inline int ring_enable(struct ring *r, struct virtqueue *vq,
			      const struct guest_memory *memory, u64 features)
{
	vq->state.size = r->size;
	vq->state.desc = r->desc_gpa;
	vq->state.driver = r->avail_gpa;
	vq->state.device_area = r->used_gpa;
	vq->big_endian = r->big;
	return virtqueue_enable(vq, memory, features);
}

/* Of the ring, or of an indirect table. */
static inline void ring_fill(const struct ring *r, struct vring_desc *desc, u64 addr, u32 len,
			     u16 flags, u16 next)
{
	*desc = (struct vring_desc){ .addr = ring64(r, addr),
				     .len = ring32(r, len),
				     .flags = ring16(r, flags),
				     .next = ring16(r, next) };
}

static inline void ring_desc(struct ring *r, u16 i, u64 addr, u32 len, u16 flags, u16 next)
{
	ring_fill(r, &r->desc[i], addr, len, flags, next);
}

/* Publishes a head. */
static inline void ring_offer(struct ring *r, u16 head)
{
	u16 idx = ring16(r, r->avail->idx);

	r->avail->ring[idx & (r->size - 1)] = ring16(r, head);
	__atomic_store_n(&r->avail->idx, ring16(r, idx + 1), __ATOMIC_RELEASE);
}

struct ring_buffer {
	gpa_t gpa;
	u32 len;
	bool writable;
};

/* Chains the buffers and publishes them; returns the head. Descriptors are taken round robin. */
static inline u16 ring_add(struct ring *r, const struct ring_buffer *buffers, unsigned nr)
{
	u16 head = r->next_desc & (r->size - 1);

	assert(nr && nr <= r->size);
	for (unsigned n = 0; n < nr; n++) {
		u16 i = r->next_desc++ & (r->size - 1);
		u16 next = r->next_desc & (r->size - 1);

		ring_desc(r, i, buffers[n].gpa, buffers[n].len,
			  (buffers[n].writable ? VRING_DESC_F_WRITE : 0) |
				  (n + 1 < nr ? VRING_DESC_F_NEXT : 0),
			  next);
	}
	ring_offer(r, head);
	return head;
}

/* Takes the next completed chain, if there is one. */
static inline bool ring_used(struct ring *r, u32 *id, u32 *len)
{
	struct vring_used_elem *elem;

	if (r->next_used == ring16(r, __atomic_load_n(&r->used->idx, __ATOMIC_ACQUIRE)))
		return false;
	elem = &r->used->ring[r->next_used++ & (r->size - 1)];
	if (id)
		*id = ring32(r, elem->id);
	if (len)
		*len = ring32(r, elem->len);
	return true;
}

/* EVENT_IDX: after which used index the driver wants to be interrupted. */
static inline void ring_set_used_event(struct ring *r, u16 value)
{
	__atomic_store_n((u16 *)&r->avail->ring[r->size], ring16(r, value), __ATOMIC_RELAXED);
}

static inline u16 ring_avail_event(struct ring *r)
{
	u16 value;

	memcpy(&value, &r->used->ring[r->size], sizeof(value));
	return ring16(r, value);
}

/* How many chains the device has taken and not given back. */
static inline unsigned ring_busy(const struct virtqueue *vq)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < VIRTQUEUE_MAX_SIZE / 64; i++)
		nr += __builtin_popcountll(vq->busy[i]);
	return nr;
}

#endif
