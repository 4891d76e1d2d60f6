// SPDX-License-Identifier: GPL-2.0-or-later
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lkvm/log.h"

static enum log_level threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	threshold = level;
}

enum log_level log_get_level(void)
{
	return threshold;
}

static bool on_terminal(void)
{
	static int terminal = -1;

	if (terminal < 0)
		terminal = isatty(STDERR_FILENO);
	return terminal;
}

/*
 * The main thread may wait for who reads this. A thread that a guest's work depends on must not: pausing
 * and ending the guest would wait for it in turn.
 */
static void print_out(const char *text, size_t len)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (gettid() != getpid() && (poll(&out, 1, 0) <= 0 || !(out.revents & POLLOUT)))
		return;
	if (write(STDERR_FILENO, text, len) < 0)
		return; /* nobody listens: there is no one left to tell */
}

/*
 * One write(2) a line, so that lines of several threads never mix. The terminal may be raw by now, so
 * a carriage return goes with every line feed there.
 */
static void print(const char *prefix, const char *fmt, va_list args)
{
	char line[1024];
	int head, len;

	head = snprintf(line, sizeof(line), "  %s: ", prefix);
	len = vsnprintf(line + head, sizeof(line) - head - 2, fmt, args);
	if (len < 0)
		return;
	len = MIN((size_t)(head + len), sizeof(line) - 3);
	if (on_terminal())
		line[len++] = '\r';
	line[len++] = '\n';
	print_out(line, len);
}

void log_text(const char *text)
{
	bool terminal = on_terminal();
	char out[8192];
	size_t len = 0;

	for (; *text && len + 2 <= sizeof(out); text++) {
		if (*text == '\n' && terminal)
			out[len++] = '\r';
		out[len++] = *text;
	}
	print_out(out, len);
}

void log_fatal(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print("Fatal", fmt, args);
	va_end(args);
}

#define LEVEL(name, level, prefix)                                                                 \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list args;                                                                      \
                                                                                                   \
		if (threshold < (level))                                                           \
			return;                                                                    \
		va_start(args, fmt);                                                               \
		print(prefix, fmt, args);                                                          \
		va_end(args);                                                                      \
	}

LEVEL(log_error, LOG_LEVEL_ERROR, "Error")
LEVEL(log_warning, LOG_LEVEL_WARNING, "Warning")
LEVEL(log_info, LOG_LEVEL_INFO, "Info")
LEVEL(log_debug, LOG_LEVEL_DEBUG, "Debug")

bool log_limit_ok(struct log_limit *limit)
{
	if (limit->spent >= limit->burst)
		return false;
	return limit->spent++ < limit->burst;
}
