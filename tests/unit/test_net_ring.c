// SPDX-License-Identifier: GPL-2.0-or-later
/* The rings between lkvm and the user-mode network's helper, with another side that says what it likes. */
#include <string.h>
#include <unistd.h>
#include "test.h"
#include "../../net/ring.h"

/* Where the indices of the ring to lkvm are, in what both have. */
#define PUT   0
#define TAKEN 16

struct sides {
	struct rings lkvm, helper;
};

static int setup(void **state)
{
	static struct sides sides;
	int fd = rings_memory();

	assert_true(fd >= 0);
	/* Nobody takes the memory away under the other's feet. */
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(rings_map(&sides.lkvm, fd, false), 0);
	assert_int_equal(rings_map(&sides.helper, fd, true), 0);
	close(fd);
	*state = &sides;
	return 0;
}

static int teardown(void **state)
{
	struct sides *sides = *state;

	rings_unmap(&sides->lkvm);
	rings_unmap(&sides->helper);
	assert_null(ring_get(&sides->lkvm.in, &(u32){ 0 }));
	assert_false(ring_put(&sides->lkvm.out, "", 1));
	return 0;
}

static u32 *word(struct sides *sides, unsigned which)
{
	return (u32 *)sides->helper.out.shared + which;
}

static void frames_of_all_lengths(void **state)
{
	static u8 frame[70000];
	struct sides *sides = *state;
	const u8 *got;
	u32 len;

	/* Several times around. */
	for (u32 i = 1; i < 4000; i++) {
		u32 size = i * 977 % sizeof(frame) + 1;

		memset(frame, i, size);
		assert_true(ring_put(&sides->lkvm.out, frame, size));
		assert_false(ring_show(&sides->lkvm.out));
		got = ring_get(&sides->helper.in, &len);
		assert_non_null(got);
		assert_int_equal(len, size);
		assert_memory_equal(got, frame, size);
		ring_taken(&sides->helper.in);
		assert_true(ring_empty(&sides->helper.in));
	}
}

static void full_and_room_again(void **state)
{
	static const u8 frame[1000];
	struct sides *sides = *state;
	struct ring *out = &sides->helper.out, *in = &sides->lkvm.in;
	u32 n = 0, len;

	assert_false(ring_show(out));
	assert_true(ring_wait_frames(in));
	while (ring_put(out, frame, sizeof(frame)))
		n++;
	assert_int_equal(n, RING_SIZE / 1004);
	assert_int_equal(ring_used(out), n * 1004);
	/* Nothing is seen before it is shown. */
	assert_true(ring_empty(in));
	assert_true(ring_show(out));
	assert_false(ring_show(out));
	assert_true(ring_wait_space(out, RING_SIZE / 2));
	assert_false(ring_wait_frames(in));
	ring_awake(in);
	assert_false(ring_show(out));
	/* It is woken once, and not before there is as much space as it wants. */
	for (; n * 1004 > RING_SIZE / 2; n--) {
		assert_false(ring_wakes_putter(in));
		assert_non_null(ring_get(in, &len));
		ring_taken(in);
	}
	assert_true(ring_wakes_putter(in));
	for (; n; n--) {
		assert_non_null(ring_get(in, &len));
		ring_taken(in);
	}
	assert_null(ring_get(in, &len));
	assert_false(ring_wakes_putter(in));
	assert_false(ring_wait_space(out, RING_SIZE / 2));
	assert_true(ring_has_space(out, sizeof(frame)));
}

static void refused(struct sides *sides)
{
	u32 len;

	assert_null(ring_get(&sides->lkvm.in, &len));
	assert_true(sides->lkvm.in.broken);
	/* For ever. */
	*word(sides, PUT) = 0;
	assert_null(ring_get(&sides->lkvm.in, &len));
}

static void more_than_there_can_be(void **state)
{
	struct sides *sides = *state;

	*word(sides, PUT) = RING_SIZE + 4;
	refused(sides);
}

static void less_than_a_length(void **state)
{
	struct sides *sides = *state;

	*word(sides, PUT) = 3;
	refused(sides);
}

static void length_beyond_the_end(void **state)
{
	static const u32 lengths[] = { 5, RING_SIZE, RING_SIZE + 1, UINT32_MAX, UINT32_MAX - 3 };
	struct sides *sides = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
		memcpy(sides->helper.out.data, &lengths[i], sizeof(lengths[i]));
		*word(sides, PUT) = 8;
		refused(sides);
		sides->lkvm.in = (struct ring){ .shared = sides->lkvm.in.shared,
						.data = sides->lkvm.in.data };
	}
}

/* Of lkvm's ring to the helper, which the helper writes as well. */
static void taken_what_was_not_put(void **state)
{
	struct sides *sides = *state;
	u32 *taken = (u32 *)sides->helper.in.shared + TAKEN;

	assert_true(ring_put(&sides->lkvm.out, "frame", 5));
	*taken = 16;
	assert_int_equal(ring_used(&sides->lkvm.out), RING_SIZE);
	assert_true(sides->lkvm.out.broken);
	assert_false(ring_has_space(&sides->lkvm.out, 1));
	*taken = 0;
	assert_false(ring_put(&sides->lkvm.out, "frame", 5));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(frames_of_all_lengths),  CASE(full_and_room_again),
		CASE(more_than_there_can_be), CASE(less_than_a_length),
		CASE(length_beyond_the_end),  CASE(taken_what_was_not_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
