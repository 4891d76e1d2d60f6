// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tells a panic from an orderly reboot, and a halt, by what the guest's kernel prints. With panic=-1 the reset
 * follows the message at once and looks like any other, so the message is all there is.
 */
#include <ctype.h>
#include <string.h>

#include "lkvm/console/chardev.h"
#include "lkvm/console/console-watch.h"

enum escape_state { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_CSI, ESCAPE_STRING };

struct needle {
	const char *text;
	unsigned len;
	enum last_words words;
	bool no_root; /* there was nothing to run */
};

#define NEEDLE(said, means, ...)                                                                   \
	{                                                                                          \
		.text = said, .len = sizeof(said) - 1, .words = LAST_WORDS_##means, __VA_ARGS__    \
	}

/* The kernel prints those without which it would not be understood at levels that no "quiet" hides. */
static const struct needle needles[] = {
	NEEDLE("Kernel panic - not syncing", PANIC),
	/* The same once more, when its reason has come. */
	NEEDLE("Kernel panic - not syncing: VFS: Unable to mount root", PANIC, .no_root = true),
	NEEDLE("Kernel panic - not syncing: No working init found", PANIC, .no_root = true),
	NEEDLE("---[ end Kernel panic - not syncing", PANIC_OVER),
	NEEDLE("reboot: Restarting system", RESTART),
	NEEDLE("reboot: machine restart", RESTART),
	NEEDLE("sysrq: Resetting", RESTART),
	NEEDLE("reboot: Power down", HALT),
	NEEDLE("reboot: System halted", HALT),
	NEEDLE("reboot: Power off not available: System halted instead", HALT),
};

/* The letters that they end with. */
#define LETTER(c)    BIT((c) - 'a')
#define LAST_LETTERS (LETTER('d') | LETTER('g') | LETTER('m') | LETTER('n') | LETTER('t'))

/* A kernel may have a warning with a long trace to print on its way down; one that prints more goes on. */
#define LINES_AFTER 100

/*
 * Behind the text if it has this form, else p. In the form a blank stands for any number of them, 9 for a
 * number, and everything else for itself.
 */
static const char *console_watch_skip(const char *p, const char *end, const char *form)
{
	const char *q = p;

	for (; *form; form++) {
		const char *from = q;

		if (*form == '9')
			while (q < end && isdigit((u8)*q))
				q++;
		else if (*form == ' ')
			while (q < end && *q == ' ')
				q++;
		else if (q < end && *q == *form)
			q++;
		if (q == from && *form != ' ')
			return p;
	}
	return q;
}

/* Is [p, end) exactly what printk puts before a message? Without a time only at a line's beginning. */
static bool is_prefix(const char *p, const char *end, bool need_time)
{
	const char *time;

	p = console_watch_skip(p, end, "<9>"); /* the level */
	time = console_watch_skip(p, end, "[ 9.9]");
	if (need_time && time == p)
		return false;
	/* CONFIG_PRINTK_CALLER: a task or a CPU. */
	p = console_watch_skip(time, end, "[ T9]");
	p = console_watch_skip(p, end, "[ C9]");
	return console_watch_skip(p, end, " ") == end;
}

/*
 * A program's last words may stand on the same line, without a line feed: then only the time tells
 * that the kernel begins to speak.
 */
static bool kernel_speaks(const struct console_watch *watch, const char *end)
{
	if (!watch->cut && is_prefix(watch->line, end, false))
		return true;
	for (const char *p = watch->line; p < end; p++)
		if ((*p == '[' || *p == '<') && is_prefix(p, end, true))
			return true;
	return false;
}

static void console_watch_log(struct console_watch *watch, enum last_words words, bool no_root)
{
	watch->said = words;
	watch->no_root = no_root;
	watch->verdicts++;
	watch->lines = words == LAST_WORDS_RESTART || words == LAST_WORDS_HALT ? LINES_AFTER : 0;
}

static void console_watch_look(struct console_watch *watch)
{
	const char *end = watch->line + watch->line_len;

	/* This runs for every byte the guest prints. */
	if (end[-1] < 'a' || end[-1] > 'z' || !(LETTER(end[-1]) & LAST_LETTERS))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(needles); i++) {
		size_t len = needles[i].len;

		if (end[-1] != needles[i].text[len - 1] || watch->line_len < len)
			continue;
		if (memcmp(end - len, needles[i].text, len) || !kernel_speaks(watch, end - len))
			continue;
		/* All of that line belongs to the output, and nothing waits for a byte of it. */
		if (needles[i].words == LAST_WORDS_PANIC_OVER)
			watch->over = true;
		else
			console_watch_log(watch, needles[i].words, needles[i].no_root);
	}
}

static void console_watch_add(struct console_watch *watch, char c)
{
	const unsigned keep = sizeof(watch->line) / 2;

	if (watch->line_len == sizeof(watch->line)) {
		/* Half a line holds the longest prefix and the longest needle together. */
		memmove(watch->line, watch->line + sizeof(watch->line) - keep, keep);
		watch->line_len = keep;
		watch->cut = true;
	}
	watch->line[watch->line_len++] = c;
	/* Linux is silent behind a panic's last line: somebody has shown an old one, and prints on. */
	if (watch->said == LAST_WORDS_PANIC_OVER)
		console_watch_log(watch, LAST_WORDS_PANIC, watch->no_root);
	console_watch_look(watch);
}

static void end_line(struct console_watch *watch, u8 end)
{
	if (watch->over && end == '\n') {
		watch->over = false;
		console_watch_log(watch, LAST_WORDS_PANIC_OVER, watch->no_root);
	} else if (watch->lines && watch->line_len && !--watch->lines) {
		console_watch_log(watch, LAST_WORDS_NONE, false);
	}
	watch->line_len = 0;
	watch->cut = false;
	/* A sequence that never ends must not hide what comes after it. */
	watch->escape = ESCAPE_NONE;
}

/* Colours and cursor movements may stand anywhere. True: the byte belongs to one. */
static bool in_escape(struct console_watch *watch, u8 c)
{
	switch (watch->escape) {
	case ESCAPE_NONE:
		if (c != 0x1b)
			return false;
		watch->escape = ESCAPE_BEGUN;
		return true;
	case ESCAPE_BEGUN:
		if (c == '[')
			watch->escape = ESCAPE_CSI;
		else if (c == ']' || c == 'P')
			watch->escape = ESCAPE_STRING;
		else if (c < 0x20 || c > 0x2f)
			watch->escape = ESCAPE_NONE;
		return true;
	case ESCAPE_CSI:
		if (c >= 0x40 && c <= 0x7e)
			watch->escape = ESCAPE_NONE;
		return true;
	default:
		if (c == 0x07)
			watch->escape = ESCAPE_NONE;
		else if (c == 0x1b)
			watch->escape = ESCAPE_BEGUN; /* ESC \ ends it */
		return true;
	}
}

void console_watch_feed(struct console_watch *watch, const u8 *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		u8 c = data[i];

		if (c == '\n' || c == '\r')
			end_line(watch, c);
		else if (!in_escape(watch, c) && c >= 0x20)
			console_watch_add(watch, c);
	}
}
