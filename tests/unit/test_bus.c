// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "lkvm/vm/bus.h"
#include "test.h"

struct probe {
	u64 offset;
	u64 value;
	unsigned len;
	unsigned reads, writes;
};

static void probe_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	struct probe *probe = opaque;

	probe->offset = offset;
	probe->len = len;
	probe->reads++;
	bus_put(data, len, probe->value);
}

static void probe_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct probe *probe = opaque;

	probe->offset = offset;
	probe->len = len;
	probe->writes++;
	probe->value = bus_get(data, len);
}

static const struct bus_ops ops = { probe_read, probe_write };

static void finds_the_region(void **state)
{
	struct bus *bus = bus_create();
	struct probe a = { .value = 0xaabbccdd }, b = { .value = 0x11 };
	u8 data[8];

	assert_int_equal(bus_add(bus, 0x2000, 0x1000, &ops, &b), 0);
	assert_int_equal(bus_add(bus, 0x1000, 0x1000, &ops, &a), 0);
	assert_true(bus_read(bus, 0x1ffc, data, 4));
	assert_int_equal(a.offset, 0xffc);
	assert_int_equal(bus_get(data, 4), 0xaabbccdd);
	assert_true(bus_read(bus, 0x2000, data, 1));
	assert_int_equal(b.offset, 0);
	/* Across the end of one, outside of all: nobody is asked and all bits are set. */
	assert_false(bus_read(bus, 0x1ffe, data, 4));
	assert_int_equal(bus_get(data, 4), 0xffffffff);
	assert_false(bus_write(bus, 0x2ffd, data, 4));
	assert_false(bus_read(bus, 0xfff, data, 1));
	assert_false(bus_read(bus, 0x3000, data, 1));
	assert_false(bus_read(bus, UINT64_MAX, data, 8));
	assert_int_equal(a.reads + b.reads, 2);
	assert_int_equal(a.writes + b.writes, 0);
	assert_int_equal(bus_remove(bus, 0x1000), 0);
	assert_int_equal(bus_remove(bus, 0x1000), -ENOENT);
	assert_int_equal(bus_remove(bus, 0x2001), -ENOENT);
	assert_false(bus_read(bus, 0x1000, data, 1));
	assert_true(bus_write(bus, 0x2008, data, 8));
	bus_destroy(bus);
}

static void refuses_overlap(void **state)
{
	struct bus *bus = bus_create();
	struct probe p = { 0 };
	u8 data[8];

	assert_int_equal(bus_add(bus, 0x1000, 0x1000, &ops, &p), 0);
	assert_int_equal(bus_add(bus, 0x1000, 0x1000, &ops, &p), -EEXIST);
	assert_int_equal(bus_add(bus, 0x1fff, 1, &ops, &p), -EEXIST);
	assert_int_equal(bus_add(bus, 0, 0x1001, &ops, &p), -EEXIST);
	assert_int_equal(bus_add(bus, 0, UINT64_MAX, &ops, &p), -EEXIST);
	assert_int_equal(bus_add(bus, 0x5000, 0, &ops, &p), -EINVAL);
	assert_int_equal(bus_add(bus, UINT64_MAX, 2, &ops, &p), -EINVAL);
	/* The very last byte is a legal place. */
	assert_int_equal(bus_add(bus, UINT64_MAX, 1, &ops, &p), 0);
	assert_true(bus_read(bus, UINT64_MAX, data, 1));
	assert_int_equal(bus_add(bus, 0, 0x1000, &ops, &p), 0);
	bus_destroy(bus);
}

static void is_bounded(void **state)
{
	struct bus *bus = bus_create();
	struct probe p = { 0 };

	for (u64 i = 0; i < BUS_MAX_REGIONS; i++)
		assert_int_equal(bus_add(bus, i * 16, 16, &ops, &p), 0);
	assert_int_equal(bus_add(bus, 1 << 20, 16, &ops, &p), -ENOSPC);
	bus_destroy(bus);
}

static _Atomic bool stop_reading;

struct race {
	struct bus *bus;
	unsigned wrong; /* the reader, until it was joined */
	_Atomic unsigned seen;
};

static void *reader(void *arg)
{
	struct race *race = arg;
	u8 data[4];

	/* The fixed region must be found whatever moves around it. */
	while (!stop_reading) {
		race->wrong +=
			!bus_read(race->bus, 0x500000, data, 4) || bus_get(data, 4) != 0x12345678;
		race->seen++;
	}
	return NULL;
}

static void readers_never_miss_while_others_move(void **state)
{
	struct probe fixed = { .value = 0x12345678 }, moving = { .value = 1 };
	struct race race = { .bus = bus_create() };
	pthread_t thread;

	assert_int_equal(bus_add(race.bus, 0x500000, 4, &ops, &fixed), 0);
	stop_reading = false;
	pthread_create(&thread, NULL, reader, &race);
	for (unsigned i = 0; i < 20000 || !race.seen; i++) {
		u64 base = (i * 7919 % 64) * 0x10000 + 0x200000;

		if (base != 0x500000 && !bus_add(race.bus, base, 0x100, &ops, &moving))
			bus_remove(race.bus, base);
	}
	stop_reading = true;
	pthread_join(thread, NULL);
	assert_int_equal(race.wrong, 0);
	bus_destroy(race.bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_region),
		cmocka_unit_test(refuses_overlap),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(readers_never_miss_while_others_move),
	};

	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
