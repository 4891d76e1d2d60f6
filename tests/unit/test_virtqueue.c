/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The split virtqueue with good drivers, in both byte orders, and what it needs to be enabled. */
#include <errno.h>
#include "queue_state.h"

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
	virtqueue_unpop(&s->vq, a);
	virtqueue_unpop(&s->vq, a);
	virtqueue_unpop(&s->vq, 0xffff);
	assert_int_equal(pop(s), 1);
	assert_int_equal(s->chain.head, a);
	assert_int_equal(pop(s), 1);
	assert_int_equal(s->chain.head, b);
	virtqueue_unpop(&s->vq, b);
	assert_int_equal(pop(s), 1);
	assert_int_equal(s->chain.head, b);
	assert_int_equal(pop(s), 0);
	assert_int_equal(ring_busy(&s->vq), 2);
}

/* A device that is paused has nothing of the driver's, and what it gets when it goes on is the same. */
static void several_are_given_back(void **state)
{
	struct state *s = *state;
	u16 heads[SIZE];

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < SIZE; i++)
			heads[i] = offer_one(s);
		for (unsigned i = 0; i < SIZE; i++)
			assert_int_equal(pop(s), 1);
		for (unsigned i = SIZE; i--;)
			virtqueue_unpop(&s->vq, heads[i]);
		assert_int_equal(ring_busy(&s->vq), 0);
		for (unsigned i = 0; i < SIZE; i++) {
			assert_int_equal(pop(s), 1);
			assert_int_equal(s->chain.head, heads[i]);
			virtqueue_push(&s->vq, heads[i], 0);
		}
		assert_int_equal(pop(s), 0);
	}
	assert_int_equal(s->broken, 0);
}

/* Given back is the driver's: what it makes of the ring meanwhile is checked as if it were new. */
static void given_back_to_a_hostile_driver(void **state)
{
	struct state *s = *state;
	u16 a = offer_one(s), b = offer_one(s);

	assert_int_equal(pop(s), 1);
	assert_int_equal(pop(s), 1);
	virtqueue_unpop(&s->vq, b);
	virtqueue_unpop(&s->vq, a);
	s->ring.avail->ring[1] = ring16(&s->ring, a);
	assert_int_equal(pop(s), 1);
	assert_int_equal(s->chain.head, a);
	assert_int_equal(pop(s), -EINVAL);
	assert_string_equal(s->why, "head 0 is in use already");
}

static void index_that_ran_ahead_meanwhile(void **state)
{
	struct state *s = *state;
	u16 a = offer_one(s), b = offer_one(s);

	assert_int_equal(pop(s), 1);
	assert_int_equal(pop(s), 1);
	virtqueue_unpop(&s->vq, b);
	virtqueue_unpop(&s->vq, a);
	/* As much as there is room for behind the two, but not with them. */
	s->ring.avail->idx = ring16(&s->ring, SIZE + 1);
	assert_int_equal(pop(s), -EINVAL);
	assert_string_equal(s->why, "the avail index is 9 ahead");
}

static void full_queue(void **state)
{
	struct state *s = *state;

	for (unsigned i = 0; i < SIZE; i++)
		offer_one(s);
	for (unsigned i = 0; i < SIZE; i++)
		assert_int_equal(pop(s), 1);
	assert_int_equal(pop(s), 0);
	assert_int_equal(ring_busy(&s->vq), SIZE);
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

	s->vq.state.next_used = s->vq.state.signalled = 0xfffe;
	s->vq.state.next_avail = s->vq.seen_avail = 0xfffe;
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

	s->vq.state.size = size;
	s->vq.state.desc = desc;
	s->vq.state.driver = avail;
	s->vq.state.device_area = used;
	ret = virtqueue_enable(&s->vq, &s->memory, BOTH);
	assert_int_equal(s->vq.state.enabled, !ret);
	if (ret) {
		assert_int_equal(pop(s), 0);
		assert_false(virtqueue_kick_on(&s->vq));
		virtqueue_kick_off(&s->vq);
		virtqueue_push(&s->vq, 0, 0);
		virtqueue_signal(&s->vq);
		virtqueue_unpop(&s->vq, 0);
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

/* ---- iov ---- */

static void iov_copies(void **state)
{
	char a[] = "abc", b[] = "d", c[] = "efgh", out[16];
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(chain_is_mapped),
		T(push_is_seen),
		T(bytes_in_memory),
		T(push_of_what_was_not_taken_does_nothing),
		T(rings_wrap),
		T(unpop_gives_back),
		T(several_are_given_back),
		T(given_back_to_a_hostile_driver),
		T(index_that_ran_ahead_meanwhile),
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
		cmocka_unit_test(iov_copies),
	};

	return RUN_EVERYWHERE(tests);
}
