// SPDX-License-Identifier: GPL-2.0-or-later
/* virtio-balloon: what a guest tells of its memory, and what can be asked of it. */
#include "balloon_guest.h"

/* ---- hints ---- */

static void hint(u32 id)
{
	le32 wire = htole32(id);

	send_bytes(HINT, &wire, 4);
	expect_answer(HINT);
}

static void hint_pages(unsigned first, unsigned nr)
{
	const struct ring_buffer buffer = { PAGES + first * PAGE, nr * PAGE, true };

	ring_add(&rings[HINT], &buffer, 1);
	driver_notify(dev, HINT);
	run();
	expect_answer(HINT);
}

static void a_round_of_hints(void **state)
{
	unsigned told;
	u32 id;

	make(MEMORY_ANONYMOUS);
	drive(ALL);
	fill();
	/* Nobody has asked. */
	hint_pages(0, 4);
	hint(5);
	hint_pages(0, 4);
	assert_int_equal(number(look(), "hinted_bytes"), 0);
	told = transport.config_interrupts;
	ask("hint", 0);
	assert_true(json_is_true(json_object_get(call.answer, "hinting")));
	assert_int_equal(transport.config_interrupts, told + 1);
	id = config32(8);
	assert_true(id > VIRTIO_BALLOON_CMD_ID_DONE);
	hint(id + 1);
	hint_pages(0, 4);
	assert_int_equal(number(look(), "hinted_bytes"), 0);
	hint(id);
	hint_pages(0, 4);
	hint_pages(8, 1);
	assert_int_equal(number(look(), "hinted_bytes"), 5 * PAGE);
	assert_int_equal(config32(8), id);
	/* The driver has no more: it gets its pages back. */
	hint(VIRTIO_BALLOON_CMD_ID_STOP);
	assert_int_equal(config32(8), VIRTIO_BALLOON_CMD_ID_DONE);
	assert_int_equal(transport.config_interrupts, told + 2);
	hint_pages(10, 4);
	assert_int_equal(number(look(), "hinted_bytes"), 5 * PAGE);
	assert_true(json_is_false(json_object_get(part, "hinting")));
	/* It may have written to them since, which nobody has seen. */
	for (unsigned i = 0; i < 20; i++)
		assert_false(is_gone(i));
	/* Another round is another number, and the first one's end is not its end. */
	ask("hint", 0);
	assert_true(config32(8) > id);
	hint(VIRTIO_BALLOON_CMD_ID_STOP);
	assert_int_equal(config32(8), id + 1);
	hint(id);
	hint(VIRTIO_BALLOON_CMD_ID_STOP);
	assert_int_equal(config32(8), id + 1);
	assert_int_equal(number(look(), "hinted_bytes"), 0);
	/* However often it says so. */
	hint(id + 1);
	for (unsigned i = 0; i < 10; i++)
		hint_pages(0, MIB(8) / PAGE);
	assert_int_equal(number(look(), "hinted_bytes"), RAM);
	/* A number alone is one. */
	send_bytes(HINT, "\1\0", 2);
	expect_answer(HINT);
	assert_int_equal(config32(8), id + 1);
}

/* ---- statistics ---- */

static void offer_stats(const void *bytes, u32 len)
{
	send_bytes(STATS, bytes, len);
}

static void offer_numbers(u64 free, u64 faults)
{
	struct virtio_balloon_stat stats[] = {
		{ htole16(VIRTIO_BALLOON_S_MEMFREE), htole64(free) },
		{ htole16(999), htole64(1) },
		{ htole16(VIRTIO_BALLOON_S_MAJFLT), htole64(faults) },
		{ htole16(15), htole64(15) },
	};

	offer_stats(stats, sizeof(stats));
}

static void statistics(void **state)
{
	make(MEMORY_ANONYMOUS);
	drive(ALL);
	/* What is there at first is of no time that anybody knows. */
	assert_true(is_coming(look()));
	offer_numbers(1, 1);
	assert_null(json_object_get(look(), "free_bytes"));
	assert_true(is_coming(part));
	expect_answer(STATS);
	offer_numbers(1000, 2000);
	assert_int_equal(number(look(), "free_bytes"), 1000);
	assert_int_equal(number(part, "major_faults"), 2000);
	assert_int_equal(number(part, "direct_reclaimed"), 15);
	assert_int_equal(number(part, "age_ms"), 0);
	assert_null(json_object_get(part, "total_bytes"));
	/* New enough. */
	assert_false(is_coming(part));
	assert_false(ring_used(&rings[STATS], NULL, NULL));
	now += 1500000000;
	assert_true(is_coming(look()));
	assert_int_equal(number(part, "age_ms"), 1500);
	assert_int_equal(number(part, "free_bytes"), 1000);
	expect_answer(STATS);
	offer_numbers(1ULL << 63, 0);
	assert_false(is_coming(look()));
	assert_int_equal(number(part, "free_bytes"), INT64_MAX);
}

static void statistics_that_do_not_come(void **state)
{
	make(MEMORY_ANONYMOUS);
	drive(ALL);
	offer_numbers(1, 1);
	assert_true(is_coming(look()));
	expect_answer(STATS);
	now += 999000000;
	assert_true(is_coming(look()));
	now += 2000000;
	assert_false(is_coming(look()));
	now += 60000000000;
	assert_false(is_coming(look()));
	/* After all. */
	offer_numbers(5, 5);
	assert_int_equal(number(look(), "free_bytes"), 5);
}

static void reset_by_driver(void)
{
	virtio_set_status(dev, 0);
}

/* A driver may go at any moment: what it had is not looked at behind its back. */
static void statistics_of_a_driver_that_goes(void **state)
{
	make(MEMORY_ANONYMOUS);
	drive(ALL);
	offer_numbers(1, 1);
	meanwhile = reset_by_driver;
	look();
	assert_null(meanwhile);
	drive(ALL);
	offer_numbers(2, 2);
	assert_null(json_object_get(look(), "free_bytes"));
	expect_answer(STATS);
	offer_numbers(3, 3);
	assert_int_equal(number(look(), "free_bytes"), 3);
}

static void odd_statistics(void **state)
{
	u8 bytes[4096];

	memset(bytes, 0, sizeof(bytes));
	make(MEMORY_ANONYMOUS);
	drive(ALL);
	offer_numbers(1, 1);
	look();
	expect_answer(STATS);
	/* Too much, and not a whole number of them. */
	offer_stats(bytes, sizeof(bytes));
	assert_int_equal(number(look(), "swapped_in_bytes"), 0);
	assert_null(json_object_get(part, "free_bytes"));
	now += 2000000000;
	look();
	expect_answer(STATS);
	offer_stats(bytes, 9);
	assert_null(json_object_get(look(), "swapped_in_bytes"));
	/* Two at a time: the second waits until the first is given back. */
	offer_numbers(3, 3);
	assert_false(ring_used(&rings[STATS], NULL, NULL));
	now += 2000000000;
	look();
	expect_answer(STATS);
	assert_int_equal(number(look(), "free_bytes"), 3);
	assert_false(is_broken());
}

/* A device at rest holds no buffer. */
static void a_pause_between_statistics(void **state)
{
	struct vm *vm = make(MEMORY_ANONYMOUS);

	drive(ALL);
	offer_numbers(1, 1);
	dev->device.started = true;
	devices_quiesce(&vm->devices);
	assert_int_equal(ring_busy(&dev->queues[STATS].vq), 0);
	assert_true(is_coming(look()));
	assert_false(ring_used(&rings[STATS], NULL, NULL));
	devices_resume(&vm->devices);
	run();
	expect_answer(STATS);
	offer_numbers(2, 2);
	devices_quiesce(&vm->devices);
	devices_resume(&vm->devices);
	run();
	assert_int_equal(number(look(), "free_bytes"), 2);
	dev->device.started = false;
}

/* ---- what is asked from outside ---- */

static void asks_for_memory(void **state)
{
	json_t *answer;

	make(MEMORY_ANONYMOUS);
	drive(ALL);
	answer = ask(NULL, 0);
	assert_int_equal(number(answer, "memory_bytes"), RAM);
	assert_int_equal(number(answer, "target_bytes"), RAM);
	assert_int_equal(number(answer, "actual_bytes"), RAM);
	answer = ask("inflate", MIB(4));
	assert_int_equal(number(answer, "target_bytes"), MIB(28));
	assert_int_equal(number(answer, "actual_bytes"), MIB(32));
	assert_int_equal(transport.config_interrupts, 1);
	assert_int_equal(config32(0), 1024);
	ask("inflate", MIB(2));
	assert_int_equal(config32(0), 1536);
	ask("deflate", MIB(1));
	assert_int_equal(config32(0), 1280);
	ask("target", MIB(16));
	assert_int_equal(config32(0), 4096);
	set_config32(4, 4000);
	assert_int_equal(config32(4), 4000);
	answer = ask(NULL, 0);
	assert_int_equal(number(answer, "target_bytes"), MIB(16));
	assert_int_equal(number(answer, "actual_bytes"), RAM - 4000 * PAGE);
	/* Only the number of its pages is the driver's to set. */
	set_config32(0, 1);
	set_config32(8, 77);
	assert_int_equal(config32(0), 4096);
	assert_int_equal(config32(8), 0);
	set_config32(4, ~0u);
	assert_int_equal(number(ask(NULL, 0), "actual_bytes"), 0);
	ask("target", RAM);
	assert_int_equal(config32(0), 0);
}

static void refuses(void **state)
{
	make(MEMORY_ANONYMOUS);
	assert_string_equal(code(ask("inflate", MIB(1))), "no-driver");
	drive(BIT(VIRTIO_BALLOON_F_STATS_VQ));
	assert_string_equal(code(ask("hint", 0)), "no-driver");
	assert_string_equal(code(ask("inflate", MIB(17))), "too-large");
	assert_string_equal(code(ask("inflate", ~0ULL >> 1)), "too-large");
	assert_string_equal(code(ask("target", MIB(15))), "too-large");
	assert_string_equal(code(ask("target", MIB(33))), "too-large");
	assert_string_equal(code(ask("deflate", PAGE)), "too-large");
	ask("inflate", MIB(1));
	assert_string_equal(code(ask("deflate", MIB(2))), "too-large");
	assert_string_equal(json_string_value(json_object_get(call.refusal, "error")),
			    "2 MiB cannot be given back: its balloon is to have 1");
	assert_int_equal(config32(0), 256);
	virtio_set_status(dev, 0);
	assert_string_equal(code(ask("inflate", MIB(1))), "no-driver");
}

/* Another kernel has all of its memory. */
static void a_reset_forgets(void **state)
{
	struct vm *vm = make(MEMORY_ANONYMOUS);

	drive(ALL);
	offer_numbers(1, 1);
	ask("inflate", MIB(1));
	ask("hint", 0);
	set_config32(4, 100);
	look();
	expect_answer(STATS);
	offer_numbers(9, 9);
	assert_int_equal(number(look(), "free_bytes"), 9);
	devices_reset(&vm->devices);
	for (unsigned offset = 0; offset < 16; offset += 4)
		assert_int_equal(config32(offset), 0);
	assert_null(json_object_get(look(), "free_bytes"));
	assert_int_equal(number(part, "target_bytes"), RAM);
	assert_false(is_coming(part));
	drive(ALL);
	fill();
	send_pfns(INFLATE, (u32[]){ pfn(0) }, 1);
	assert_true(is_gone(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_round_of_hints),
		T(statistics),
		T(statistics_that_do_not_come),
		T(statistics_of_a_driver_that_goes),
		T(odd_statistics),
		T(a_pause_between_statistics),
		T(asks_for_memory),
		T(refuses),
		T(a_reset_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, end_asking);
}
