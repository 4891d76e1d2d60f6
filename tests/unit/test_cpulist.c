// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists of CPUs: those that mean something, and above all those that do not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lkvm/util/cpulist.h"
#include "test.h"

static cpu_set_t set;

static int parse(const char *text)
{
	return cpulist_parse(text, &set);
}

/* A set as a word of bits; only for low CPUs. */
static unsigned long bits(void)
{
	unsigned long word = 0;

	for (unsigned cpu = 0; cpu < 64; cpu++)
		word |= (unsigned long)!!CPU_ISSET(cpu, &set) << cpu;
	assert_int_equal(CPU_COUNT(&set), __builtin_popcountl(word));
	return word;
}

static void good_lists(void **state)
{
	assert_int_equal(parse("0"), 0);
	assert_int_equal(bits(), 0x1);
	assert_int_equal(parse("0-3,8\n"), 0);
	assert_int_equal(bits(), 0x10f);
	assert_int_equal(parse("10-14:2,0-1"), 0);
	assert_int_equal(bits(), 0x5403);
	assert_int_equal(parse("5-5"), 0);
	assert_int_equal(bits(), 0x20);
	assert_int_equal(parse("2-9:4294967295"), 0);
	assert_int_equal(bits(), 0x4);
	assert_int_equal(parse("1023"), 0);
	assert_true(CPU_ISSET(1023, &set));
}

static void bad_lists(void **state)
{
	static const char *const texts[] = { "",      "\n",  ",",    "1,",    "-3",  "3-",  "4-2",
					     "1--2",  "a",   "0x1",  " 1",    "1 ",  "1;2", "1-3:",
					     "1-3:0", "1:2", "0,,1", "0\n\n", "all", "+1" };

	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
		if (parse(texts[i]) != -EINVAL)
			fail_msg("'%s' was taken", texts[i]);
	}
	assert_int_equal(parse("1024"), -ERANGE);
	assert_int_equal(parse("0-4294967296"), -ERANGE);
	assert_int_equal(parse("18446744073709551617"), -ERANGE);
}

static void files(void **state)
{
	char path[] = "/tmp/cpulist.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(cpulist_read(path, &set), -EINVAL);
	assert_int_equal(write(fd, "2-3\n", 4), 4);
	assert_int_equal(cpulist_read(path, &set), 0);
	assert_int_equal(bits(), 0xc);
	close(fd);
	unlink(path);
	assert_int_equal(cpulist_read(path, &set), -ENOENT);
}

static void comparisons(void **state)
{
	cpu_set_t whole;

	assert_int_equal(cpulist_parse("0-3", &whole), 0);
	assert_int_equal(parse("1,3"), 0);
	assert_true(cpulist_within(&set, &whole));
	assert_false(cpulist_within(&whole, &set));
	assert_int_equal(cpulist_first(&set), 1);
	CPU_ZERO(&set);
	assert_true(cpulist_within(&set, &whole));
	assert_int_equal(cpulist_first(&set), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_lists),
		cmocka_unit_test(bad_lists),
		cmocka_unit_test(files),
		cmocka_unit_test(comparisons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
