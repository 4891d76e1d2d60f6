// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "lkvm/console/chardev.h"
#include "lkvm/console/console-watch.h"

#define PANIC "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100"

/* The verdict must not depend on how the text is cut: whole, and byte by byte, and in threes. */
static enum last_words said(const char *text)
{
	static const size_t cuts[] = { 1, 3, 7, 1 << 20 };
	enum last_words verdict = LAST_WORDS_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		struct console_watch watch = { 0 };
		size_t len = strlen(text);

		for (size_t at = 0; at < len; at += cuts[i])
			console_watch_feed(&watch, (const u8 *)text + at, MIN(cuts[i], len - at));
		if (i)
			assert_int_equal(verdict, watch.said);
		verdict = watch.said;
	}
	return verdict;
}

static bool panicked(const char *text)
{
	return said(text) == LAST_WORDS_PANIC;
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

static void hears_the_end_of_a_panic(void **state)
{
	static const char last[] =
		PANIC "\r\n[    1.3] CPU: 0\r\n[    1.4] ---[ end " PANIC " ]---\r";
	char text[700] = PANIC "\n[    1.234567][    T1] ---[ end Kernel panic - not syncing: ";

	/* The whole line is output, and its last byte is the line feed. */
	assert_int_equal(said(last), LAST_WORDS_PANIC);
	strcat(text, "x ]---\r\n");
	assert_int_equal(said(text), LAST_WORDS_PANIC_OVER);
	/* A panic may have much to say of itself. */
	text[strlen(text) - 8] = 0;
	for (int i = 0; i < 40; i++)
		strcat(text, "0123456789");
	assert_int_equal(said(text), LAST_WORDS_PANIC);
	strcat(text, "\n");
	assert_int_equal(said(text), LAST_WORDS_PANIC_OVER);
	assert_int_equal(said("$ echo ---[ end " PANIC " ]---\n"), LAST_WORDS_NONE);
	assert_int_equal(said("[    1.2] init: ---[ end " PANIC " ]---\n"), LAST_WORDS_NONE);
	assert_int_equal(said("[    1.2] ---[ end trace 0000000000000000 ]---\n"), LAST_WORDS_NONE);
	/* A cursor that comes back is nothing, and a console may be told twice. */
	strcat(text, "\r\033[0m\n");
	assert_int_equal(said(text), LAST_WORDS_PANIC_OVER);
	strcat(text, "$");
	assert_int_equal(said(text), LAST_WORDS_PANIC);
	strcat(text, "\n---[ end " PANIC " ]---\n");
	assert_int_equal(said(text), LAST_WORDS_PANIC_OVER);
	strcat(text, "[    9.0] sysrq: Resetting\n");
	assert_int_equal(said(text), LAST_WORDS_RESTART);
}

static void hears_a_halt_and_a_restart(void **state)
{
	assert_int_equal(said("[    1.2] reboot: System halted"), LAST_WORDS_HALT);
	assert_int_equal(said("reboot: System halted\r\n"), LAST_WORDS_HALT);
	assert_int_equal(said("[    1.2][    T1] reboot: Power down\r\n"), LAST_WORDS_HALT);
	assert_int_equal(
		said("[    1.2] reboot: Power off not available: System halted instead\r\n"),
		LAST_WORDS_HALT);
	assert_int_equal(said("/ # [    1.2] reboot: System halted\r\n"), LAST_WORDS_HALT);
	assert_int_equal(
		said("[    1.2] reboot: Restarting system\r\n[    1.2] reboot: machine restart\r\n"),
		LAST_WORDS_RESTART);
	assert_int_equal(said("reboot: Restarting system with command 'x'\n"), LAST_WORDS_RESTART);
	assert_int_equal(said("[    1.2] sysrq: Resetting\n"), LAST_WORDS_RESTART);
	assert_int_equal(said("init: reboot: System halted\n"), LAST_WORDS_NONE);
	assert_int_equal(said("[    1.2] systemd-shutdown[1]: reboot: Power down\n"),
			 LAST_WORDS_NONE);
	assert_int_equal(said("[    1.2] kexec_core: Starting new kernel\n"), LAST_WORDS_NONE);
}

static bool no_root(const char *text)
{
	struct console_watch watch = { 0 };

	console_watch_feed(&watch, (const u8 *)text, strlen(text));
	assert_true(watch.said == LAST_WORDS_PANIC || watch.said == LAST_WORDS_PANIC_OVER);
	return watch.no_root;
}

#define MOUNT "Kernel panic - not syncing: VFS: Unable to mount root fs on "

static void knows_why_there_is_nothing_to_run(void **state)
{
	assert_true(no_root("[    1.2] " MOUNT "unknown-block(0,0)\r\n"));
	assert_true(no_root("<0>[123456.234567][T123456] " MOUNT
			    "\"/dev/vda\" or unknown-block(0,0)\n"
			    "[    1.3] CPU: 0 PID: 1 Comm: swapper/0 Not tainted\n"));
	assert_true(no_root("[    1.2] " MOUNT "unknown-block(0,0)\n[    1.3] ---[ end " MOUNT
			    "unknown-block(0,0) ]---\n"));
	assert_true(no_root("[    1.2] Kernel panic - not syncing: No working init found.  Try "
			    "passing init= option to kernel.\n"));
	assert_false(no_root("[    1.2] " PANIC "\n"));
	/* The one before, in another boot of the same guest. */
	assert_false(no_root("[    1.2] " MOUNT "x\n[    1.2] " PANIC "\n"));
	assert_false(no_root("[    1.2] " PANIC "\n[    1.2] init: " MOUNT "x\n"));
}

/* Who goes on printing has not ended; a panic has much to print. */
static void many_lines_take_it_back(void **state)
{
	static const struct {
		const char *words;
		enum last_words after;
	} cases[] = {
		{ "reboot: System halted\n", LAST_WORDS_NONE },
		{ "reboot: Restarting system\n", LAST_WORDS_NONE },
		{ PANIC "\n", LAST_WORDS_PANIC },
		/* Linux prints nothing behind it: a program has shown an old one. */
		{ "---[ end " PANIC " ]---\n", LAST_WORDS_PANIC },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct console_watch watch = { 0 };

		console_watch_feed(&watch, (const u8 *)cases[i].words, strlen(cases[i].words));
		for (int line = 0; line < 90; line++)
			console_watch_feed(&watch, (const u8 *)"\r\nxyz\r\n", 7);
		assert_int_not_equal(watch.said, LAST_WORDS_NONE);
		for (int line = 0; line < 20; line++)
			console_watch_feed(&watch, (const u8 *)"xyz\r\n", 5);
		assert_int_equal(watch.said, cases[i].after);
	}
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
	assert_int_equal(watch.said, LAST_WORDS_NONE);
	console_watch_feed(&watch, (const u8 *)"\n" PANIC, strlen("\n" PANIC));
	assert_int_equal(watch.said, LAST_WORDS_PANIC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_a_panic),
		cmocka_unit_test(finds_it_behind_unfinished_lines),
		cmocka_unit_test(is_not_fooled_by_noise),
		cmocka_unit_test(ignores_what_only_mentions_one),
		cmocka_unit_test(an_orderly_end_takes_it_back),
		cmocka_unit_test(hears_the_end_of_a_panic),
		cmocka_unit_test(hears_a_halt_and_a_restart),
		cmocka_unit_test(knows_why_there_is_nothing_to_run),
		cmocka_unit_test(many_lines_take_it_back),
		cmocka_unit_test(survives_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
