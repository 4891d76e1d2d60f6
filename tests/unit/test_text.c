// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "lkvm/util/text.h"
#include "test.h"

static void cleaned(const char *from, const char *to)
{
	char text[64];

	strcpy(text, from);
	text_clean(text);
	assert_string_equal(text, to);
}

static void text_of_somebody_else(void **state)
{
	cleaned("", "");
	cleaned("qemu-system-x86", "qemu-system-x86");
	cleaned("gr\xc3\xbc\xc3\x9f dich \xe2\x82\xac", "gr\xc3\xbc\xc3\x9f dich \xe2\x82\xac");
	cleaned("\033[2Jx\ny\tz\r\x7f", "?[2Jx?y?z??");
	/* The same escape sequence in one byte, alone and as UTF-8. */
	cleaned("\x9b"
		"2J",
		"?2J");
	cleaned("\xc2\x9b"
		"2J",
		"??2J");
	cleaned("\xc2\xa0", "\xc2\xa0");
	cleaned("cut \xe2\x82", "cut ??");
}

static void plurals(void **state)
{
	assert_string_equal(plural(0), "s");
	assert_string_equal(plural(1), "");
	assert_string_equal(plural(2), "s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_somebody_else),
		cmocka_unit_test(plurals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
