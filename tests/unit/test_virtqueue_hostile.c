/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The split virtqueue against every bad driver we could think of, in both byte orders, and in memory that
 * the guest makes private.
 */
#include <errno.h>
#include "queue_state.h"

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

/* ---- memory that the guest has made private ---- */

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
	s->vq.state.size = SIZE;
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

#define G(name) cmocka_unit_test_setup_teardown(name, setup_guarded, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(avail_index_too_far),	    T(avail_index_backwards),
		T(head_too_large),	    T(head_twice),
		T(next_too_large),	    T(chain_loops),
		T(indirect_loops),	    T(indirect_and_direct_too_long_together),
		T(readable_after_writable), T(buffer_outside),
		T(too_many_buffers),	    T(too_many_bytes),
		T(bad_indirect_tables),	    T(indirect_where_it_may_not_be),
		T(disabled_queue_forgets),  G(rings_made_private),
		G(buffers_made_private),    G(indirect_table_made_private),
	};

	return RUN_EVERYWHERE(tests);
}
