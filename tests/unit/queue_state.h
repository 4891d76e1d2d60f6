/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A virtqueue, a ring that its tests fill, and memory for both: once for each kind of memory and order. */
#ifndef TEST_QUEUE_STATE_H
#define TEST_QUEUE_STATE_H

#include <linux/virtio_config.h>
#include <stdio.h>
#include <stdlib.h>
#include "test.h"
#include "ring.h"

#define RAM_SIZE  0x40000
#define SIZE	  8
#define ROM_BASE  0x800000ULL
#define BOTH	  (BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VIRTIO_RING_F_INDIRECT_DESC))
#define IOV_MAX_T 16

struct state {
	struct guest_memory memory;
	u8 *ram, *rom;
	struct ring ring;
	struct virtqueue vq;
	struct iovec iov[IOV_MAX_T];
	struct virtq_chain chain;
	unsigned interrupts, broken, again;
	char why[128];
};

static struct state *owner;
/* Of the rings in the tests that run now; and may the guest make its memory private? */
static bool big, guarded;

static inline void on_interrupt(struct virtqueue *vq)
{
	owner->interrupts++;
}

static inline void on_broken(struct virtqueue *vq, const char *why)
{
	owner->broken++;
	snprintf(owner->why, sizeof(owner->why), "%s", why);
}

static inline void on_again(struct virtqueue *vq)
{
	owner->again++;
}

static const struct virtqueue_ops test_ops = { on_interrupt, on_broken, on_again };

static inline void enable(struct state *s, u16 size, u64 features)
{
	ring_init(&s->ring, s->ram, RING_BASE, RAM_SIZE, size);
	s->ring.big = big;
	assert_int_equal(ring_enable(&s->ring, &s->vq, &s->memory, features), 0);
	s->interrupts = s->broken = s->again = 0;
}

static inline int setup(void **state)
{
	struct state *s = calloc(1, sizeof(*s));

	/* Exactly as large as said, so that the sanitizers see any step over the edge. */
	s->ram = malloc(RAM_SIZE);
	s->rom = malloc(4096);
	memset(s->ram, 0, RAM_SIZE);
	memset(s->rom, 0, 4096);
	guest_memory_init(&s->memory);
	assert_int_equal(guest_memory_add_buffer(&s->memory, RING_BASE, s->ram, RAM_SIZE), 0);
	assert_int_equal(guest_memory_add_buffer(&s->memory, ROM_BASE, s->rom, 4096), 0);
	s->memory.regions[1].readonly = true;
	if (guarded)
		s->memory.regions[0].private_pages = calloc(1, sizeof(u64));
	s->vq.ops = &test_ops;
	s->vq.max_size = 256;
	s->chain.iov = s->iov;
	s->chain.iov_max = IOV_MAX_T;
	owner = s;
	enable(s, SIZE, BOTH);
	*state = s;
	return 0;
}

static inline int teardown(void **state)
{
	struct state *s = *state;

	guest_memory_destroy(&s->memory);
	free(s->ram);
	free(s->rom);
	free(s);
	return 0;
}

static inline int pop(struct state *s)
{
	return virtqueue_pop(&s->vq, &s->chain);
}

/* One buffer of 16 bytes, offered. */
static inline u16 offer_one(struct state *s)
{
	struct ring_buffer b = { ring_alloc(&s->ring, 16), 16, true };

	return ring_add(&s->ring, &b, 1);
}

static inline void assert_broken(struct state *s)
{
	assert_true(pop(s) < 0);
	assert_int_equal(s->broken, 1);
	assert_true(s->vq.state.broken);
	/* It stays so, quietly, until it is enabled anew. */
	assert_true(pop(s) < 0);
	assert_false(virtqueue_kick_on(&s->vq));
	assert_int_equal(s->broken, 1);
	s->vq.state.size = SIZE;
	enable(s, SIZE, BOTH);
	offer_one(s);
	assert_int_equal(pop(s), 1);
}

static inline gpa_t make_table(struct state *s, unsigned nr, bool writable)
{
	gpa_t table = ring_alloc(&s->ring, 16 * (nr ? nr : 1));
	struct vring_desc *d = ring_ptr(&s->ring, table, 16 * nr);
	gpa_t buffer = ring_alloc(&s->ring, 16);

	for (unsigned i = 0; i < nr; i++) {
		u16 flags =
			(i + 1 < nr ? VRING_DESC_F_NEXT : 0) | (writable ? VRING_DESC_F_WRITE : 0);

		ring_fill(&s->ring, &d[i], buffer, 16, flags, i + 1);
	}
	return table;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* In each kind of memory and each byte order; returns how many tests failed. */
static inline int run_everywhere(const struct CMUnitTest *tests, size_t nr)
{
	int failed = _cmocka_run_group_tests("little-endian", tests, nr, NULL, NULL);

	guarded = true;
	failed += _cmocka_run_group_tests("in memory with private pages", tests, nr, NULL, NULL);
	guarded = false;
	big = true;
	return failed + _cmocka_run_group_tests("big-endian", tests, nr, NULL, NULL);
}
#define RUN_EVERYWHERE(tests) run_everywhere(tests, ARRAY_SIZE(tests))

#endif
