// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "lkvm/chardev.h"

#define PANIC "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100"

/* The verdict must not depend on how the text is cut: whole, and byte by byte, and in threes. */
static bool panicked(const char *text)
{
	static const size_t cuts[] = { 1, 3, 7, 1 << 20 };
	bool verdict = false;

	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		struct console_watch watch = { 0 };
		size_t len = strlen(text);

		for (size_t at = 0; at < len; at += cuts[i])
			console_watch_feed(&watch, (const u8 *)text + at, MIN(cuts[i], len - at));
		if (i)
			assert_int_equal(verdict, watch.panicked);
		verdict = watch.panicked;
	}
	return verdict;
}

static void finds_a_panic(void **state)
{
	assert_true(panicked(PANIC));
	assert_true(panicked("[    1.234567] " PANIC "\r\n"));
	assert_true(panicked("boot\r\n[    1.234567] " PANIC));
	assert_true(panicked("[    1.234567][    T1] " PANIC));
	assert_true(panicked("[123456.234567][ C12345] " PANIC));
	assert_true(panicked("<0>[    1.234567] " PANIC));
	assert_true(panicked("<0>" PANIC));
	assert_true(panicked("[    1.2] Kernel panic - not syncing: stack-protector: "
			     "Kernel stack is corrupted in: x\n[    1.3] CPU: 0 PID: 1\n"));
	assert_true(panicked("[    1.2] Rebooting in 1 seconds..\n" PANIC "\n"));
	/* The byte that completes the words is enough: a reset may follow it at once. */
	assert_true(panicked("[    1.234567] Kernel panic - not syncing"));
	assert_false(panicked("[    1.234567] Kernel panic - not syncin"));
}

static void finds_it_behind_unfinished_lines(void **state)
{
	char text[400];

	assert_true(panicked("bye[    1.234567] " PANIC "\n"));
	assert_true(panicked("/ # [    1.234567][    T1] " PANIC "\n"));
	assert_true(panicked("progress 99%\r" PANIC "\n"));
	for (size_t before = 1; before < 300; before++) {
		memset(text, '.', before);
		strcpy(text + before, "<0>[123456.234567][T123456] Kernel panic - not syncing: x");
		assert_true(panicked(text));
	}
}

static void is_not_fooled_by_noise(void **state)
{
	assert_true(panicked(
		"\033[1;31m[    1.234567] \033[0m\033[1mKernel panic - not syncing\033[m"));
	assert_true(panicked("\033]0;title\007" PANIC "\n"));
	assert_true(panicked("\033]0;title\033\\" PANIC "\n"));
	assert_true(panicked("\033[6n\033(B\0337" PANIC "\n"));
	/* A sequence that never ends must not swallow the next line. */
	assert_true(panicked("\033]0;never ends\n" PANIC "\n"));
	assert_true(panicked("\033[999999\n" PANIC "\n"));
	assert_true(panicked("\a\b\t" PANIC "\n"));
}

static void ignores_what_only_mentions_one(void **state)
{
	assert_false(panicked("echo " PANIC "\n"));
	assert_false(panicked("grep found: " PANIC "\n"));
	assert_false(panicked("[    1.234567] ---[ end " PANIC " ]---\n"));
	assert_false(panicked("[    1.234567] init: " PANIC "\n"));
	assert_false(panicked("[not a time] " PANIC "\n"));
	assert_false(panicked("[1.] " PANIC "\n"));
	assert_false(panicked("[.5] " PANIC "\n"));
	assert_false(panicked("x[    1.5 ] " PANIC "\n"));
	assert_false(panicked("Kernel panic - not synching: typo\n"));
	assert_false(panicked("Kernel panic - not\n syncing\n"));
	assert_false(panicked(""));
	assert_false(panicked("\n\n\r\n"));
}

static void an_orderly_end_takes_it_back(void **state)
{
	/* A log of an older panic, shown on the console, then a reboot. */
	assert_false(panicked(PANIC "\n[   20.000001] reboot: Restarting system\n"));
	assert_false(panicked(PANIC "\nreboot: Power down\n"));
	assert_false(panicked(PANIC "\n[   20.000001][    T1] reboot: System halted"));
	/* Only the kernel's own words. */
	assert_true(panicked(PANIC "\nsystemd: reboot: Restarting system\n"));
	assert_true(panicked(PANIC "\n[    2.0] Rebooting in 5 seconds..\n"));
	/* And only after it. */
	assert_true(panicked("[   20.000001] reboot: Restarting system\n" PANIC "\n"));
}

static void survives_garbage(void **state)
{
	struct console_watch watch = { 0 };
	u8 data[4096];

	srand(1);
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = "\033[<]>. 0T\rg\xff"[rand() % 13];
		console_watch_feed(&watch, data, sizeof(data));
	}
	assert_false(watch.panicked);
	console_watch_feed(&watch, (const u8 *)"\n" PANIC, strlen("\n" PANIC));
	assert_true(watch.panicked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_a_panic),
		cmocka_unit_test(finds_it_behind_unfinished_lines),
		cmocka_unit_test(is_not_fooled_by_noise),
		cmocka_unit_test(ignores_what_only_mentions_one),
		cmocka_unit_test(an_orderly_end_takes_it_back),
		cmocka_unit_test(survives_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
