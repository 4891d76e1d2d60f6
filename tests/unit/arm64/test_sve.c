// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "sve.h"
#include "test.h"

static char known[128];

/* 128, 256, 384, 512, 1024 and 2048 bits */
#define LENGTHS (BIT(0) | BIT(1) | BIT(2) | BIT(3) | BIT(7) | BIT(15))

static void shorter(void **state)
{
	u64 set[SVE_WORDS] = { LENGTHS };

	assert_int_equal(sve_limit(set, 2048, known, sizeof(known)), 0);
	assert_int_equal(set[0], LENGTHS);
	assert_int_equal(sve_limit(set, 512, known, sizeof(known)), 0);
	assert_int_equal(set[0], 0xf);
	assert_int_equal(sve_limit(set, 384, known, sizeof(known)), 0);
	assert_int_equal(set[0], 0x7);
	assert_int_equal(sve_limit(set, 128, known, sizeof(known)), 0);
	assert_int_equal(set[0], 0x1);
}

/* Longer ones than the architecture has today are taken out as well. */
static void all_words(void **state)
{
	u64 set[SVE_WORDS];

	memset(set, 0xff, sizeof(set));
	assert_int_equal(sve_limit(set, 2048, known, sizeof(known)), 0);
	assert_int_equal(set[0], 0xffff);
	for (unsigned i = 1; i < SVE_WORDS; i++)
		assert_int_equal(set[i], 0);
}

static void not_there(void **state)
{
	u64 set[SVE_WORDS] = { LENGTHS };

	assert_int_equal(sve_limit(set, 640, known, sizeof(known)), -EINVAL);
	assert_string_equal(known, "128, 256, 384, 512, 1024, 2048");
	assert_int_equal(set[0], LENGTHS);
	set[0] = 0xf;
	assert_int_equal(sve_limit(set, 1024, known, sizeof(known)), -EINVAL);
	assert_string_equal(known, "128, 256, 384, 512");
	/* A small place gets a part of the list, nothing more. */
	memset(known, 'x', sizeof(known));
	assert_int_equal(sve_limit(set, 1024, known, 8), -EINVAL);
	assert_string_equal(known, "128, 25");
	assert_int_equal(known[8], 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shorter),
		cmocka_unit_test(all_words),
		cmocka_unit_test(not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
