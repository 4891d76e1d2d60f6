/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The split virtqueue against good drivers and against every bad one we could think of, in both byte
 * orders.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
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

static void on_interrupt(struct virtqueue *vq)
{
	owner->interrupts++;
}

static void on_broken(struct virtqueue *vq, const char *why)
{
	owner->broken++;
	snprintf(owner->why, sizeof(owner->why), "%s", why);
}

static void on_again(struct virtqueue *vq)
{
	owner->again++;
}

static const struct virtqueue_ops test_ops = { on_interrupt, on_broken, on_again };

static void enable(struct state *s, u16 size, u64 features)
{
	ring_init(&s->ring, s->ram, RING_BASE, RAM_SIZE, size);
	s->ring.big = big;
	assert_int_equal(ring_enable(&s->ring, &s->vq, &s->memory, features), 0);
	s->interrupts = s->broken = s->again = 0;
}

static int setup(void **state)
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

static int teardown(void **state)
{
	struct state *s = *state;

	guest_memory_destroy(&s->memory);
	free(s->ram);
	free(s->rom);
	free(s);
	return 0;
}

static int pop(struct state *s)
{
	return virtqueue_pop(&s->vq, &s->chain);
}

/* One buffer of 16 bytes, offered. */
static u16 offer_one(struct state *s)
{
	struct ring_buffer b = { ring_alloc(&s->ring, 16), 16, true };

	return ring_add(&s->ring, &b, 1);
}

static void assert_broken(struct state *s)
{
	assert_true(pop(s) < 0);
	assert_int_equal(s->broken, 1);
	assert_true(s->vq.broken);
	/* It stays so, quietly, until it is enabled anew. */
	assert_true(pop(s) < 0);
	assert_false(virtqueue_kick_on(&s->vq));
	assert_int_equal(s->broken, 1);
	s->vq.size = SIZE;
	enable(s, SIZE, BOTH);
	offer_one(s);
	assert_int_equal(pop(s), 1);
}

/* ---- what works ---- */

static void chain_is_mapped(void **state)
{
	struct state *s = *state;
	gpa_t out = ring_alloc(&s->ring, 100), in = ring_alloc(&s->ring, 50);
	struct ring_buffer b[] = { { out, 40, false }, { out + 40, 60, false }, { in, 50, true } };
	u16 head = ring_add(&s->ring, b, 3);

	assert_int_equal(pop(s), 1);
	assert_int_equal(s->chain.head, head);
	assert_int_equal(s->chain.nr_out, 2);
	assert_int_equal(s->chain.nr_in, 1);
	assert_int_equal(s->chain.out_len, 100);
	assert_int_equal(s->chain.in_len, 50);
	assert_ptr_equal(s->iov[0].iov_base, ring_ptr(&s->ring, out, 40));
	assert_ptr_equal(s->iov[2].iov_base, ring_ptr(&s->ring, in, 50));
	assert_int_equal(pop(s), 0);
}

static void push_is_seen(void **state)
{
	struct state *s = *state;
	u16 a = offer_one(s), b = offer_one(s);
	u32 id, len;

	assert_int_equal(pop(s), 1);
	assert_int_equal(pop(s), 1);
	virtqueue_push(&s->vq, b, 7);
	virtqueue_push(&s->vq, a, 9);
	assert_true(ring_used(&s->ring, &id, &len));
	assert_int_equal(id, b);
	assert_int_equal(len, 7);
	assert_true(ring_used(&s->ring, &id, &len));
	assert_int_equal(id, a);
	assert_int_equal(len, 9);
	assert_false(ring_used(&s->ring, &id, &len));
}

/* What lies in memory, by its bytes, whatever the helpers of the other tests think. */
static void bytes_in_memory(void **state)
{
	struct state *s = *state;
	static const u8 little[] = { 0x00, 0x00, 0x01, 0x00, 0x03, 0x00,
				     0x00, 0x00, 0x04, 0x03, 0x02, 0x01 };
	static const u8 other[] = { 0x00, 0x00, 0x00, 0x01, 0x00, 0x00,
				    0x00, 0x03, 0x01, 0x02, 0x03, 0x04 };
	u8 desc[16] = { 0x20, 0x01, 0x10, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0x02, 0, 0, 0 };

	if (big)
		memcpy(desc, "\0\0\0\0\0\x10\x01\x20\0\0\0\x10\0\x02\0\0", 16);
	memcpy(&s->ring.desc[3], desc, sizeof(desc));
	memcpy(s->ring.avail, big ? "\0\0\0\1\0\3" : "\0\0\1\0\3\0", 6);
	assert_int_equal(pop(s), 1);
	assert_int_equal(s->chain.head, 3);
	assert_int_equal(s->chain.in_len, 16);
	assert_ptr_equal(s->iov[0].iov_base, ring_ptr(&s->ring, 0x100120, 16));
	virtqueue_push(&s->vq, 3, 0x01020304);
	assert_memory_equal(s->ring.used, big ? other : little, sizeof(little));
}

static void push_of_what_was_not_taken_does_nothing(void **state)
{
	struct state *s = *state;
	u16 a = offer_one(s);

	virtqueue_push(&s->vq, a, 1);
	assert_int_equal(pop(s), 1);
	virtqueue_push(&s->vq, a, 1);
	virtqueue_push(&s->vq, a, 1);
	virtqueue_push(&s->vq, 0xffff, 1);
	assert_int_equal(ring16(&s->ring, s->ring.used->idx), 1);
}

static void rings_wrap(void **state)
{
	struct state *s = *state;

	/* More than 65536 requests: ring position and index both go round. */
	for (unsigned i = 0; i < 70000; i++) {
		struct ring_buffer b = { RING_BASE + 0x10000, 16, i & 1 };
		u32 id;

		ring_add(&s->ring, &b, 1);
		ring_set_used_event(&s->ring, i);
		s->vq.budget = 2;
		assert_int_equal(pop(s), 1);
		virtqueue_push(&s->vq, s->chain.head, 1);
		virtqueue_signal(&s->vq);
		assert_true(ring_used(&s->ring, &id, NULL));
		assert_int_equal(id, s->chain.head);
		assert_int_equal(s->interrupts, i + 1);
	}
}

static void unpop_gives_back(void **state)
{
	struct state *s = *state;
	u16 a = offer_one(s), b = offer_one(s);

	assert_int_equal(pop(s), 1);
	virtqueue_unpop(&s->vq);
	virtqueue_unpop(&s->vq);
	assert_int_equal(pop(s), 1);
	assert_int_equal(s->chain.head, a);
	assert_int_equal(pop(s), 1);
	assert_int_equal(s->chain.head, b);
	virtqueue_unpop(&s->vq);
	assert_int_equal(pop(s), 1);
	assert_int_equal(s->chain.head, b);
	assert_int_equal(pop(s), 0);
	assert_int_equal(s->vq.nr_busy, 2);
}

static void full_queue(void **state)
{
	struct state *s = *state;

	for (unsigned i = 0; i < SIZE; i++)
		offer_one(s);
	for (unsigned i = 0; i < SIZE; i++)
		assert_int_equal(pop(s), 1);
	assert_int_equal(pop(s), 0);
	assert_int_equal(s->vq.nr_busy, SIZE);
}

static void zero_length_is_left_out(void **state)
{
	struct state *s = *state;
	gpa_t a = ring_alloc(&s->ring, 16);
	struct ring_buffer b[] = { { 0, 0, false }, { a, 16, false }, { ~0ULL, 0, true } };

	ring_add(&s->ring, b, 3);
	assert_int_equal(pop(s), 1);
	assert_int_equal(s->chain.nr_out, 1);
	assert_int_equal(s->chain.nr_in, 0);
}

static gpa_t make_table(struct state *s, unsigned nr, bool writable)
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

static void indirect_table_works(void **state)
{
	struct state *s = *state;
	gpa_t table = make_table(s, SIZE, false);

	ring_desc(&s->ring, 3, table, 16 * SIZE, VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE, 0);
	ring_offer(&s->ring, 3);
	assert_int_equal(pop(s), 1);
	assert_int_equal(s->chain.nr_out, SIZE);
	assert_int_equal(s->chain.nr_in, 0);
	assert_int_equal(s->chain.head, 3);
}

static void indirect_after_direct(void **state)
{
	struct state *s = *state;
	gpa_t table = make_table(s, 2, true), out = ring_alloc(&s->ring, 8);

	ring_desc(&s->ring, 0, out, 8, VRING_DESC_F_NEXT, 1);
	ring_desc(&s->ring, 1, table, 32, VRING_DESC_F_INDIRECT, 0);
	ring_offer(&s->ring, 0);
	assert_int_equal(pop(s), 1);
	assert_int_equal(s->chain.nr_out, 1);
	assert_int_equal(s->chain.nr_in, 2);
	assert_int_equal(s->chain.in_len, 32);
}

/* ---- notifications ---- */

static void interrupts_follow_used_event(void **state)
{
	struct state *s = *state;

	virtqueue_signal(&s->vq);
	assert_int_equal(s->interrupts, 0);
	ring_set_used_event(&s->ring, 1);
	for (unsigned i = 0; i < 4; i++) {
		offer_one(s);
		assert_int_equal(pop(s), 1);
		virtqueue_push(&s->vq, s->chain.head, 0);
		virtqueue_signal(&s->vq);
		/* The second completion (index 1) passes the event, no other does. */
		assert_int_equal(s->interrupts, i >= 1);
	}
	/* A batch that passes the event in its middle. */
	ring_set_used_event(&s->ring, 5);
	for (unsigned i = 0; i < 3; i++) {
		offer_one(s);
		assert_int_equal(pop(s), 1);
		virtqueue_push(&s->vq, s->chain.head, 0);
	}
	virtqueue_signal(&s->vq);
	virtqueue_signal(&s->vq);
	assert_int_equal(s->interrupts, 2);
}

static void event_at_wrap_around(void **state)
{
	struct state *s = *state;

	s->vq.next_used = s->vq.signalled = 0xfffe;
	s->vq.next_avail = s->vq.seen_avail = 0xfffe;
	s->ring.avail->idx = ring16(&s->ring, 0xfffe);
	s->ring.used->idx = ring16(&s->ring, 0xfffe);
	ring_set_used_event(&s->ring, 0);
	for (unsigned i = 0; i < 4; i++) {
		offer_one(s);
		assert_int_equal(pop(s), 1);
		virtqueue_push(&s->vq, s->chain.head, 0);
		virtqueue_signal(&s->vq);
		assert_int_equal(s->interrupts, i >= 2);
	}
	assert_int_equal(ring16(&s->ring, s->ring.used->idx), 2);
}

static void interrupts_follow_flags(void **state)
{
	struct state *s = *state;

	enable(s, SIZE, 0);
	s->ring.avail->flags = ring16(&s->ring, VRING_AVAIL_F_NO_INTERRUPT);
	offer_one(s);
	assert_int_equal(pop(s), 1);
	virtqueue_push(&s->vq, s->chain.head, 0);
	virtqueue_signal(&s->vq);
	assert_int_equal(s->interrupts, 0);
	s->ring.avail->flags = 0;
	offer_one(s);
	assert_int_equal(pop(s), 1);
	virtqueue_push(&s->vq, s->chain.head, 0);
	virtqueue_signal(&s->vq);
	assert_int_equal(s->interrupts, 1);
}

static void kicks_with_flags(void **state)
{
	struct state *s = *state;

	enable(s, SIZE, 0);
	virtqueue_kick_off(&s->vq);
	assert_int_equal(ring16(&s->ring, s->ring.used->flags), VRING_USED_F_NO_NOTIFY);
	offer_one(s);
	assert_true(virtqueue_kick_on(&s->vq));
	assert_int_equal(s->ring.used->flags, 0);
	virtqueue_kick_off(&s->vq);
	assert_int_equal(pop(s), 1);
	assert_false(virtqueue_kick_on(&s->vq));
}

static void kicks_with_event_idx(void **state)
{
	struct state *s = *state;

	offer_one(s);
	offer_one(s);
	virtqueue_kick_off(&s->vq);
	assert_int_equal(s->ring.used->flags, 0);
	assert_int_equal(pop(s), 1);
	assert_true(virtqueue_kick_on(&s->vq));
	assert_int_equal(ring_avail_event(&s->ring), 1);
	assert_int_equal(pop(s), 1);
	assert_false(virtqueue_kick_on(&s->vq));
	assert_int_equal(ring_avail_event(&s->ring), 2);
}

static void budget_ends_a_handler(void **state)
{
	struct state *s = *state;

	s->vq.budget = 3;
	for (unsigned i = 0; i < 4; i++)
		offer_one(s);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pop(s), 1);
	assert_int_equal(s->again, 0);
	assert_int_equal(pop(s), 0);
	assert_int_equal(s->again, 1);
	/* A chain that came between the last pop and kick_on must not be forgotten either. */
	assert_false(virtqueue_kick_on(&s->vq));
	assert_int_equal(s->again, 2);
	s->vq.budget = VIRTQUEUE_BUDGET;
	assert_true(virtqueue_kick_on(&s->vq));
	assert_int_equal(pop(s), 1);
	s->vq.budget = 0;
	assert_int_equal(pop(s), 0);
	assert_false(virtqueue_kick_on(&s->vq));
	assert_int_equal(s->again, 2);
}

/* ---- enabling ---- */

static int try_enable(struct state *s, u16 size, gpa_t desc, gpa_t avail, gpa_t used)
{
	int ret;

	s->vq.size = size;
	s->vq.desc = desc;
	s->vq.driver = avail;
	s->vq.device_area = used;
	ret = virtqueue_enable(&s->vq, &s->memory, BOTH);
	assert_int_equal(s->vq.enabled, !ret);
	if (ret) {
		assert_int_equal(pop(s), 0);
		assert_false(virtqueue_kick_on(&s->vq));
		virtqueue_kick_off(&s->vq);
		virtqueue_push(&s->vq, 0, 0);
		virtqueue_signal(&s->vq);
		virtqueue_unpop(&s->vq);
	}
	return ret;
}

static void bad_sizes_are_refused(void **state)
{
	struct state *s = *state;
	static const u16 bad[] = { 0, 3, 7, 255, 257, 512, 0x8000, 0xffff };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(try_enable(s, bad[i], RING_BASE, RING_BASE + 0x10000,
					    RING_BASE + 0x20000),
				 -EINVAL);
	for (unsigned size = 1; size <= 256; size *= 2)
		assert_int_equal(try_enable(s, size, RING_BASE, RING_BASE + 0x10000,
					    RING_BASE + 0x20000),
				 0);
}

static void bad_addresses_are_refused(void **state)
{
	struct state *s = *state;
	const gpa_t a = RING_BASE, b = RING_BASE + 0x1000, c = RING_BASE + 0x2000;
	const gpa_t end = RING_BASE + RAM_SIZE;

	assert_int_equal(try_enable(s, SIZE, a, b, c), 0);
	assert_int_equal(try_enable(s, SIZE, a + 8, b, c), -EINVAL);
	assert_int_equal(try_enable(s, SIZE, a, b + 1, c), -EINVAL);
	assert_int_equal(try_enable(s, SIZE, a, b, c + 2), -EINVAL);
	assert_int_equal(try_enable(s, SIZE, 0, b, c), -EINVAL);
	assert_int_equal(try_enable(s, SIZE, a, 0, c), -EINVAL);
	assert_int_equal(try_enable(s, SIZE, a, b, 0), -EINVAL);
	assert_int_equal(try_enable(s, SIZE, ~0xfULL, b, c), -EINVAL);
	assert_int_equal(try_enable(s, SIZE, a, ~1ULL, c), -EINVAL);
	assert_int_equal(try_enable(s, SIZE, a, b, ~3ULL), -EINVAL);
	/* The last byte of each ring, event field included, decides. */
	assert_int_equal(try_enable(s, SIZE, end - 16 * SIZE, b, c), 0);
	assert_int_equal(try_enable(s, SIZE, end - 16 * SIZE + 16, b, c), -EINVAL);
	assert_int_equal(try_enable(s, SIZE, a, end - (6 + 2 * SIZE), c), 0);
	assert_int_equal(try_enable(s, SIZE, a, end - (6 + 2 * SIZE) + 2, c), -EINVAL);
	assert_int_equal(try_enable(s, SIZE, a, b, end - ALIGN_UP(6 + 8 * SIZE, 4)), 0);
	assert_int_equal(try_enable(s, SIZE, a, b, end - ALIGN_UP(6 + 8 * SIZE, 4) + 4), -EINVAL);
	/* We would have to write to the used ring. */
	assert_int_equal(try_enable(s, SIZE, a, b, ROM_BASE), -EINVAL);
}

/* ---- bad drivers ---- */

static void avail_index_too_far(void **state)
{
	struct state *s = *state;

	s->ring.avail->idx = ring16(&s->ring, SIZE + 1);
	assert_broken(s);
}

static void avail_index_backwards(void **state)
{
	struct state *s = *state;

	offer_one(s);
	assert_int_equal(pop(s), 1);
	s->ring.avail->idx = 0;
	assert_broken(s);
}

static void head_too_large(void **state)
{
	struct state *s = *state;

	ring_offer(&s->ring, SIZE);
	assert_broken(s);
	ring_offer(&s->ring, 0xffff);
	assert_true(pop(s) < 0);
}

static void head_twice(void **state)
{
	struct state *s = *state;
	u16 head = offer_one(s);

	ring_offer(&s->ring, head);
	assert_int_equal(pop(s), 1);
	assert_broken(s);
}

static void next_too_large(void **state)
{
	struct state *s = *state;

	ring_desc(&s->ring, 0, RING_BASE, 16, VRING_DESC_F_NEXT, SIZE);
	ring_offer(&s->ring, 0);
	assert_broken(s);
}

static void chain_loops(void **state)
{
	struct state *s = *state;

	/* Of length 0, so that only the count can end it. */
	ring_desc(&s->ring, 0, RING_BASE, 0, VRING_DESC_F_NEXT, 1);
	ring_desc(&s->ring, 1, RING_BASE, 0, VRING_DESC_F_NEXT, 0);
	ring_offer(&s->ring, 0);
	assert_broken(s);
	assert_string_equal(s->why, "a chain longer than the queue, or a loop");
}

static void indirect_loops(void **state)
{
	struct state *s = *state;
	gpa_t table = make_table(s, 2, false);
	struct vring_desc *d = ring_ptr(&s->ring, table, 32);

	ring_fill(&s->ring, &d[1], RING_BASE, 16, VRING_DESC_F_NEXT, 0);
	ring_desc(&s->ring, 0, table, 32, VRING_DESC_F_INDIRECT, 0);
	ring_offer(&s->ring, 0);
	assert_broken(s);
}

static void indirect_and_direct_too_long_together(void **state)
{
	struct state *s = *state;
	gpa_t table = make_table(s, SIZE, false), out = ring_alloc(&s->ring, 8);

	ring_desc(&s->ring, 0, out, 8, VRING_DESC_F_NEXT, 1);
	ring_desc(&s->ring, 1, table, 16 * SIZE, VRING_DESC_F_INDIRECT, 0);
	ring_offer(&s->ring, 0);
	assert_broken(s);
}

static void readable_after_writable(void **state)
{
	struct state *s = *state;
	struct ring_buffer b[] = { { RING_BASE + 0x1000, 16, true }, { RING_BASE, 16, false } };

	ring_add(&s->ring, b, 2);
	assert_broken(s);
}

static void buffer_outside(void **state)
{
	struct state *s = *state;
	static const struct ring_buffer bad[] = {
		{ 0, 16, false },
		{ RING_BASE - 1, 16, false },
		{ RING_BASE + RAM_SIZE - 15, 16, true },
		{ RING_BASE + RAM_SIZE, 1, true },
		{ RING_BASE, RAM_SIZE + 1, false },
		{ ~0ULL, 1, false },
		{ ~0ULL - 7, 16, true },
		{ RING_BASE, 0x7fffffff, false },
		{ ROM_BASE, 16, true },
		{ ROM_BASE + 4090, 16, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		enable(s, SIZE, BOTH);
		ring_add(&s->ring, &bad[i], 1);
		assert_broken(s);
	}
	enable(s, SIZE, BOTH);
	ring_add(&s->ring, &(struct ring_buffer){ ROM_BASE, 4096, false }, 1);
	assert_int_equal(pop(s), 1);
}

static void too_many_buffers(void **state)
{
	struct state *s = *state;
	struct ring_buffer b[4];

	for (unsigned i = 0; i < 4; i++)
		b[i] = (struct ring_buffer){ RING_BASE, 1, false };
	s->chain.iov_max = 4;
	ring_add(&s->ring, b, 4);
	assert_int_equal(pop(s), 1);
	s->chain.iov_max = 3;
	ring_add(&s->ring, b, 4);
	assert_broken(s);
}

static void too_many_bytes(void **state)
{
	struct state *s = *state;
	u64 large = VIRTQUEUE_MAX_CHAIN_BYTES;
	gpa_t at = GIB(4);
	struct ring_buffer b[] = { { at, large - 1, false }, { at, 1, true }, { at, 1, true } };

	/* Never touched: only its size matters. */
	assert_int_equal(guest_memory_add_ram(&s->memory, at, large), 0);
	ring_add(&s->ring, b, 2);
	assert_int_equal(pop(s), 1);
	assert_int_equal(s->chain.out_len + s->chain.in_len, large);
	ring_add(&s->ring, b, 3);
	assert_broken(s);
}

static void bad_indirect_tables(void **state)
{
	struct state *s = *state;
	static const u32 bad[] = { 0, 1, 15, 17, 16 * (SIZE + 1), 0xfffffff0, 0xffffffff };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		enable(s, SIZE, BOTH);
		ring_desc(&s->ring, 0, make_table(s, SIZE, false), bad[i], VRING_DESC_F_INDIRECT,
			  0);
		ring_offer(&s->ring, 0);
		assert_broken(s);
	}
	enable(s, SIZE, BOTH);
	ring_desc(&s->ring, 0, RING_BASE + RAM_SIZE - 16, 32, VRING_DESC_F_INDIRECT, 0);
	ring_offer(&s->ring, 0);
	assert_broken(s);
	/* A table's own next may not leave it, though the ring is longer. */
	enable(s, SIZE, BOTH);
	ring_desc(&s->ring, 0, make_table(s, 3, false), 32, VRING_DESC_F_INDIRECT, 0);
	ring_offer(&s->ring, 0);
	assert_broken(s);
}

static void indirect_where_it_may_not_be(void **state)
{
	struct state *s = *state;
	gpa_t table = make_table(s, 2, false);
	struct vring_desc *d = ring_ptr(&s->ring, table, 32);

	ring_desc(&s->ring, 0, table, 32, VRING_DESC_F_INDIRECT | VRING_DESC_F_NEXT, 1);
	ring_offer(&s->ring, 0);
	assert_broken(s);

	enable(s, SIZE, BOTH);
	table = make_table(s, 2, false);
	d = ring_ptr(&s->ring, table, 32);
	/* To a good one, so that only the nesting is wrong. */
	ring_fill(&s->ring, &d[1], make_table(s, 1, false), 16, VRING_DESC_F_INDIRECT, 0);
	ring_desc(&s->ring, 0, table, 32, VRING_DESC_F_INDIRECT, 0);
	ring_offer(&s->ring, 0);
	assert_broken(s);

	enable(s, SIZE, BIT(VIRTIO_RING_F_EVENT_IDX));
	ring_desc(&s->ring, 0, make_table(s, 2, false), 32, VRING_DESC_F_INDIRECT, 0);
	ring_offer(&s->ring, 0);
	assert_broken(s);
}

static void disabled_queue_forgets(void **state)
{
	struct state *s = *state;
	u16 head = offer_one(s);

	assert_int_equal(pop(s), 1);
	virtqueue_disable(&s->vq);
	virtqueue_push(&s->vq, head, 1);
	virtqueue_signal(&s->vq);
	assert_int_equal(s->ring.used->idx, 0);
	assert_int_equal(s->interrupts, 0);
	/* Late completions of an earlier life do not reach the next one. */
	enable(s, SIZE, BOTH);
	virtqueue_push(&s->vq, head, 1);
	assert_int_equal(s->ring.used->idx, 0);
}

/* ---- iov ---- */

static void iov_copies(void **state)
{
	char a[3] = "abc", b[1] = "d", c[4] = "efgh", out[16];
	struct iovec iov[] = { { a, 3 }, { b, 0 }, { b, 1 }, { c, 4 } }, *rest = iov;
	unsigned nr = 4;

	memset(out, 0, sizeof(out));
	assert_int_equal(iov_read(iov, 4, 0, out, 16), 8);
	assert_string_equal(out, "abcdefgh");
	memset(out, 0, sizeof(out));
	assert_int_equal(iov_read(iov, 4, 2, out, 3), 3);
	assert_string_equal(out, "cde");
	assert_int_equal(iov_read(iov, 4, 8, out, 1), 0);
	assert_int_equal(iov_read(iov, 4, ~(size_t)0, out, 1), 0);
	assert_int_equal(iov_read(iov, 0, 0, out, 1), 0);
	assert_int_equal(iov_write(iov, 4, 3, "XYZ", 3), 3);
	assert_memory_equal(b, "X", 1);
	assert_memory_equal(c, "YZgh", 4);
	assert_int_equal(iov_write(iov, 4, 7, "12", 2), 1);

	rest = iov_skip(rest, &nr, 0);
	assert_int_equal(nr, 4);
	rest = iov_skip(rest, &nr, 3);
	assert_int_equal(nr, 2);
	rest = iov_skip(rest, &nr, 2);
	assert_int_equal(nr, 1);
	assert_ptr_equal(rest->iov_base, c + 1);
	assert_int_equal(rest->iov_len, 3);
	iov_skip(rest, &nr, 100);
	assert_int_equal(nr, 0);
}

static int setup_guarded(void **state)
{
	int error;

	struct state *s;

	error = setup(state);
	s = *state;
	if (!s->memory.regions[0].private_pages)
		s->memory.regions[0].private_pages = calloc(1, sizeof(u64));
	enable(s, SIZE, BOTH);
	return error;
}

static void make_private(struct state *s, gpa_t gpa)
{
	*s->memory.regions[0].private_pages |= BIT((gpa - RING_BASE) / 4096);
}

/* Everything that would look at the rings, or write them, finds out. */
static void rings_made_private(void **state)
{
	struct state *s = *state;
	u8 before[sizeof(struct vring_used)];

	for (unsigned how = 0; how < 4; how++) {
		*s->memory.regions[0].private_pages = 0;
		enable(s, SIZE, 0);
		offer_one(s);
		offer_one(s);
		assert_int_equal(pop(s), 1);
		memcpy(before, s->ring.used, sizeof(before));
		make_private(s, s->ring.avail_gpa);
		switch (how) {
		case 0:
			assert_true(pop(s) < 0);
			break;
		case 1:
			virtqueue_push(&s->vq, s->chain.head, 16);
			break;
		case 2:
			virtqueue_kick_off(&s->vq);
			break;
		case 3:
			assert_false(virtqueue_kick_on(&s->vq));
			break;
		}
		assert_int_equal(s->broken, 1);
		assert_non_null(strstr(s->why, "private"));
		assert_memory_equal(before, s->ring.used, sizeof(before));
		virtqueue_signal(&s->vq);
		assert_true(pop(s) < 0);
		assert_int_equal(s->broken, 1);
		assert_int_equal(s->interrupts, 0);
	}
	/* Nor are they accepted as they are. */
	s->vq.size = SIZE;
	assert_int_equal(virtqueue_enable(&s->vq, &s->memory, 0), -EINVAL);
}

static void buffers_made_private(void **state)
{
	struct state *s = *state;
	struct ring_buffer b = { RING_BASE + 0x20ff8, 16, true };

	ring_add(&s->ring, &b, 1);
	assert_int_equal(pop(s), 1);
	make_private(s, RING_BASE + 0x21000);
	ring_add(&s->ring, &b, 1);
	assert_true(pop(s) < 0);
	assert_int_equal(s->broken, 1);
	assert_non_null(strstr(s->why, "private"));
}

static void indirect_table_made_private(void **state)
{
	struct state *s = *state;

	ring_desc(&s->ring, 0, RING_BASE + 0x21000, 32, VRING_DESC_F_INDIRECT, 0);
	make_private(s, RING_BASE + 0x21000);
	ring_offer(&s->ring, 0);
	assert_true(pop(s) < 0);
	assert_int_equal(s->broken, 1);
	assert_non_null(strstr(s->why, "private"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define G(name) cmocka_unit_test_setup_teardown(name, setup_guarded, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(chain_is_mapped),
		T(push_is_seen),
		T(bytes_in_memory),
		T(push_of_what_was_not_taken_does_nothing),
		T(rings_wrap),
		T(unpop_gives_back),
		T(full_queue),
		T(zero_length_is_left_out),
		T(indirect_table_works),
		T(indirect_after_direct),
		T(interrupts_follow_used_event),
		T(event_at_wrap_around),
		T(interrupts_follow_flags),
		T(kicks_with_flags),
		T(kicks_with_event_idx),
		T(budget_ends_a_handler),
		T(bad_sizes_are_refused),
		T(bad_addresses_are_refused),
		T(avail_index_too_far),
		T(avail_index_backwards),
		T(head_too_large),
		T(head_twice),
		T(next_too_large),
		T(chain_loops),
		T(indirect_loops),
		T(indirect_and_direct_too_long_together),
		T(readable_after_writable),
		T(buffer_outside),
		T(too_many_buffers),
		T(too_many_bytes),
		T(bad_indirect_tables),
		T(indirect_where_it_may_not_be),
		T(disabled_queue_forgets),
		G(rings_made_private),
		G(buffers_made_private),
		G(indirect_table_made_private),
		cmocka_unit_test(iov_copies),
	};

	int failed = cmocka_run_group_tests_name("little-endian", tests, NULL, NULL);

	guarded = true;
	failed += cmocka_run_group_tests_name("in memory with private pages", tests, NULL, NULL);
	guarded = false;
	big = true;
	return failed + cmocka_run_group_tests_name("big-endian", tests, NULL, NULL);
}
