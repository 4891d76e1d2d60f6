// SPDX-License-Identifier: GPL-2.0-or-later
/* The PLIC as a guest's driver sees it, and what a hostile one tries. */
#include <string.h>

#include "lkvm/vm/bus.h"
#include "plic.h"
#include "test.h"

#define SOURCES		      40
#define CONTEXTS	      2
#define PRIORITY(source)      (4 * (source))
#define PENDING(word)	      (0x1000 + 4 * (word))
#define ENABLE(context, word) (0x2000 + 0x80 * (context) + 4 * (word))
#define THRESHOLD(context)    (0x200000 + 0x1000 * (context))
#define CLAIM(context)	      (THRESHOLD(context) + 4)

static struct plic *plic;
static bool raised[CONTEXTS];
static unsigned changes;

static void notify(void *opaque, unsigned context, bool level)
{
	assert_true(context < CONTEXTS);
	assert_int_not_equal(raised[context], level);
	raised[context] = level;
	changes++;
}

static int setup(void **state)
{
	const struct plic_config config = { SOURCES, CONTEXTS, notify, NULL };

	memset(raised, 0, sizeof(raised));
	changes = 0;
	plic = plic_create(&config);
	return plic ? 0 : -1;
}

static int teardown(void **state)
{
	plic_destroy(plic);
	return 0;
}

static u32 get(u64 offset)
{
	u8 data[4];

	plic_bus_ops.read(plic, offset, data, 4);
	return bus_get(data, 4);
}

static void put(u64 offset, u32 value)
{
	u8 data[4];

	bus_put(data, 4, value);
	plic_bus_ops.write(plic, offset, data, 4);
}

/* Source with a priority, for one context. */
static void enable(unsigned context, unsigned source, unsigned priority)
{
	put(PRIORITY(source), priority);
	put(ENABLE(context, source / 32), get(ENABLE(context, source / 32)) | 1U << source % 32);
}

static void test_level(void **state)
{
	enable(1, 3, 1);
	plic_set_line(plic, 3, true);
	assert_false(raised[0]);
	assert_true(raised[1]);
	assert_int_equal(get(PENDING(0)), 1 << 3);
	assert_int_equal(get(CLAIM(1)), 3);
	assert_false(raised[1]);
	assert_int_equal(get(PENDING(0)), 0);
	assert_int_equal(get(CLAIM(1)), 0);
	/* Still high at the end: there is more to do. */
	put(CLAIM(1), 3);
	assert_true(raised[1]);
	assert_int_equal(get(CLAIM(1)), 3);
	plic_set_line(plic, 3, false);
	put(CLAIM(1), 3);
	assert_false(raised[1]);
}

static void test_pulse(void **state)
{
	enable(0, 33, 1);
	plic_set_line(plic, 33, true);
	plic_set_line(plic, 33, false);
	assert_true(raised[0]);
	assert_int_equal(get(CLAIM(0)), 33);
	put(CLAIM(0), 33);
	assert_false(raised[0]);
}

static void test_not_enabled_yet(void **state)
{
	plic_set_line(plic, 5, true);
	assert_false(raised[0]);
	enable(0, 5, 2);
	assert_true(raised[0]);
	put(ENABLE(0, 0), 0);
	assert_false(raised[0]);
}

static void test_priorities(void **state)
{
	enable(0, 2, 1);
	enable(0, 7, 3);
	enable(0, 9, 3);
	plic_set_line(plic, 2, true);
	plic_set_line(plic, 9, true);
	plic_set_line(plic, 7, true);
	assert_int_equal(get(CLAIM(0)), 7);
	assert_int_equal(get(CLAIM(0)), 9);
	assert_int_equal(get(CLAIM(0)), 2);
	assert_false(raised[0]);
}

static void test_threshold(void **state)
{
	enable(0, 2, 2);
	put(THRESHOLD(0), 2);
	assert_int_equal(get(THRESHOLD(0)), 2);
	plic_set_line(plic, 2, true);
	assert_false(raised[0]);
	put(THRESHOLD(0), 1);
	assert_true(raised[0]);
	/* A claim does not look at it. */
	put(THRESHOLD(0), 7);
	assert_false(raised[0]);
	assert_int_equal(get(CLAIM(0)), 2);
}

static void test_priority_0_is_never(void **state)
{
	enable(0, 2, 0);
	plic_set_line(plic, 2, true);
	assert_false(raised[0]);
	assert_int_equal(get(CLAIM(0)), 0);
}

static void test_two_contexts(void **state)
{
	enable(0, 4, 1);
	enable(1, 4, 1);
	plic_set_line(plic, 4, true);
	assert_true(raised[0] && raised[1]);
	assert_int_equal(get(CLAIM(1)), 4);
	assert_false(raised[0] || raised[1]);
	assert_int_equal(get(CLAIM(0)), 0);
}

/* An end that is not this context's, or of what does not exist. */
static void test_wrong_completion(void **state)
{
	static const u32 wrong[] = { 0, 5, SOURCES, 1023, 1024, 0xffffffff };

	enable(0, 4, 1);
	plic_set_line(plic, 4, true);
	assert_int_equal(get(CLAIM(0)), 4);
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++)
		put(CLAIM(0), wrong[i]);
	put(CLAIM(1), 4);
	assert_false(raised[0]);
	put(CLAIM(0), 4);
	assert_true(raised[0]);
}

static void test_bounds(void **state)
{
	u64 size = plic_size(plic);
	u8 data[8] = { 0 };

	for (u64 offset = 0; offset + 4 <= size; offset += 4)
		put(offset, 0xffffffff);
	assert_int_equal(get(PRIORITY(0)), 0);
	assert_int_equal(get(PRIORITY(1)), 7);
	assert_int_equal(get(PRIORITY(SOURCES)), 0);
	assert_int_equal(get(ENABLE(0, 0)), 0xfffffffe);
	assert_int_equal(get(ENABLE(1, 1)), 0xff);
	assert_int_equal(get(ENABLE(1, 2)), 0);
	assert_int_equal(get(ENABLE(CONTEXTS, 0)), 0);
	assert_int_equal(get(THRESHOLD(1)), 7);
	for (u64 offset = 0; offset + 4 <= size; offset += 4)
		get(offset);
	/* Bytes and double words are no registers. */
	plic_bus_ops.write(plic, PRIORITY(1), data, 1);
	plic_bus_ops.write(plic, PRIORITY(1), data, 8);
	plic_bus_ops.read(plic, PRIORITY(1), data, 8);
	assert_int_equal(bus_get(data, 8), 0);
	assert_int_equal(get(PRIORITY(1)), 7);
	plic_set_line(plic, 0, true);
	plic_set_line(plic, SOURCES, true);
	plic_set_line(plic, ~0U, true);
	assert_int_equal(get(PENDING(0)), 0);
	assert_int_equal(get(PENDING(1)), 0);
	assert_int_equal(changes, 0);
}

static void test_reset(void **state)
{
	enable(0, 4, 1);
	enable(0, 6, 1);
	plic_set_line(plic, 4, true);
	plic_set_line(plic, 6, true);
	assert_int_equal(get(CLAIM(0)), 4);
	plic_set_line(plic, 6, false);
	assert_true(raised[0]);
	plic_reset(plic);
	assert_false(raised[0]);
	assert_int_equal(get(ENABLE(0, 0)), 0);
	assert_int_equal(get(PRIORITY(4)), 0);
	/* A wire that is still high asks anew; what was only remembered is forgotten. */
	assert_int_equal(get(PENDING(0)), 1 << 4);
}

static void test_too_large(void **state)
{
	const struct plic_config sources = { 1025, 1, notify, NULL };
	const struct plic_config contexts = { 64, 513, notify, NULL };

	assert_null(plic_create(&sources));
	assert_null(plic_create(&contexts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_level, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pulse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_enabled_yet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_priorities, setup, teardown),
		cmocka_unit_test_setup_teardown(test_threshold, setup, teardown),
		cmocka_unit_test_setup_teardown(test_priority_0_is_never, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_contexts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_completion, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
