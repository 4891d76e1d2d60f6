// SPDX-License-Identifier: GPL-2.0-or-later
/* A frame is a u32 with its length, the frame, and what is missing to a multiple of four bytes. */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Before the frames; no page of any machine is larger. */
#define HEAD_SIZE (64U << 10)
#define FILE_SIZE (HEAD_SIZE + 2 * RING_SIZE)
#define MAP_SIZE  (HEAD_SIZE + 4 * RING_SIZE)

/* Each side writes its own lines of the cache. */
struct ring_shared {
	_Alignas(64) _Atomic u32 put;
	_Alignas(64) _Atomic u32 taken;
	_Alignas(64) _Atomic u32 taker_waits;
	_Alignas(64) _Atomic u32 putter_waits;
	_Atomic u32 wake_at; /* what must have been taken before it is woken */
};

int rings_memory(void)
{
	int fd = memfd_create("lkvm-net", MFD_CLOEXEC | MFD_ALLOW_SEALING), err;

	if (fd < 0)
		return -errno;
	if (!ftruncate(fd, FILE_SIZE) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static bool map_at(u8 *at, size_t size, int fd, off_t offset)
{
	return mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset) !=
	       MAP_FAILED;
}

int rings_map(struct rings *rings, int fd, bool helper)
{
	struct ring *ring[2] = { helper ? &rings->out : &rings->in,
				 helper ? &rings->in : &rings->out };
	u8 *base = mmap(NULL, MAP_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool ok;

	if (base == MAP_FAILED)
		return -errno;
	rings->base = base;
	ok = map_at(base, HEAD_SIZE, fd, 0);
	for (unsigned i = 0; i < 2; i++) {
		u8 *data = base + HEAD_SIZE + 2 * i * RING_SIZE;
		off_t offset = HEAD_SIZE + i * RING_SIZE;

		/* Twice in a row, so that no frame is in two pieces. */
		ok = ok && map_at(data, RING_SIZE, fd, offset) &&
		     map_at(data + RING_SIZE, RING_SIZE, fd, offset);
		*ring[i] = (struct ring){ .shared = (struct ring_shared *)base + i, .data = data };
	}
	if (ok)
		return 0;
	rings_unmap(rings);
	return -ENOMEM;
}

void rings_unmap(struct rings *rings)
{
	if (rings->base)
		munmap(rings->base, MAP_SIZE);
	*rings = (struct rings){ .in.broken = true, .out.broken = true };
}

static u32 record_size(u32 len)
{
	return sizeof(u32) + ALIGN_UP(len, sizeof(u32));
}

static u32 ring_load(_Atomic u32 *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

/* ---- the side that puts ---- */

u32 ring_used(struct ring *ring)
{
	u32 taken;

	if (ring->broken)
		return RING_SIZE;
	taken = atomic_load_explicit(&ring->shared->taken, memory_order_acquire);
	if (ring->at - taken > ring->at - ring->other) {
		ring->broken = true;
		return RING_SIZE;
	}
	ring->other = taken;
	return ring->at - taken;
}

bool ring_has_space(struct ring *ring, u32 len)
{
	u32 size = record_size(len);

	if (ring->broken || len > RING_SIZE / 2)
		return false;
	return RING_SIZE - (ring->at - ring->other) >= size || RING_SIZE - ring_used(ring) >= size;
}

u8 *ring_reserve(struct ring *ring, u32 len)
{
	u8 *to;

	if (!ring_has_space(ring, len))
		return NULL;
	to = ring->data + ring->at % RING_SIZE;
	memcpy(to, &len, sizeof(len));
	ring->len = record_size(len);
	return to + sizeof(len);
}

void ring_written(struct ring *ring)
{
	ring->at += ring->len;
	ring->len = 0;
}

bool ring_put(struct ring *ring, const void *frame, u32 len)
{
	u8 *to = ring_reserve(ring, len);

	if (!to)
		return false;
	memcpy(to, frame, len);
	ring_written(ring);
	return true;
}

bool ring_wait_space(struct ring *ring, u32 used)
{
	if (ring->broken)
		return true;
	atomic_store_explicit(&ring->shared->wake_at, ring->at - used, memory_order_relaxed);
	atomic_store(&ring->shared->putter_waits, 1);
	atomic_thread_fence(memory_order_seq_cst);
	return ring_used(ring) > used;
}

bool ring_show(struct ring *ring)
{
	if (ring->broken)
		return false;
	atomic_store_explicit(&ring->shared->put, ring->at, memory_order_release);
	/* It must be visible to a side whose request was not seen. So below. */
	atomic_thread_fence(memory_order_seq_cst);
	return ring_load(&ring->shared->taker_waits) &&
	       atomic_exchange(&ring->shared->taker_waits, 0);
}

/* ---- the side that takes ---- */

bool ring_empty(struct ring *ring)
{
	u32 put;

	if (ring->broken)
		return true;
	if (ring->at != ring->other)
		return false;
	put = atomic_load_explicit(&ring->shared->put, memory_order_acquire);
	if (put - ring->at > RING_SIZE) {
		ring->broken = true;
		return true;
	}
	ring->other = put;
	return put == ring->at;
}

const u8 *ring_get(struct ring *ring, u32 *len)
{
	const u8 *from;
	u32 have;

	if (ring_empty(ring))
		return NULL;
	from = ring->data + ring->at % RING_SIZE;
	have = ring->other - ring->at;
	/* The indices are the other side's: they may be odd. */
	if (have >= sizeof(*len)) {
		*len = *(const volatile u32 *)from;
		if (*len <= RING_SIZE && record_size(*len) <= have) {
			ring->len = record_size(*len);
			return from + sizeof(*len);
		}
	}
	ring->broken = true;
	return NULL;
}

void ring_taken(struct ring *ring)
{
	ring->at += ring->len;
	ring->len = 0;
	atomic_store_explicit(&ring->shared->taken, ring->at, memory_order_release);
}

bool ring_wait_frames(struct ring *ring)
{
	if (ring->broken)
		return true;
	ring->waits = true;
	atomic_store(&ring->shared->taker_waits, 1);
	atomic_thread_fence(memory_order_seq_cst);
	return ring_empty(ring);
}

void ring_awake(struct ring *ring)
{
	if (ring->waits && !ring->broken)
		atomic_store_explicit(&ring->shared->taker_waits, 0, memory_order_relaxed);
	ring->waits = false;
}

bool ring_wakes_putter(struct ring *ring)
{
	struct ring_shared *shared = ring->shared;

	if (ring->broken)
		return false;
	atomic_thread_fence(memory_order_seq_cst);
	return ring_load(&shared->putter_waits) &&
	       (int32_t)(ring->at - ring_load(&shared->wake_at)) >= 0 &&
	       atomic_exchange(&shared->putter_waits, 0);
}
