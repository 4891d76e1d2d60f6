/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages for the person who typed the command. One line each, on stderr, beginning with the level
 * ("  Error: ...") as scripts for this command line expect. Any thread; never blocks: a reader who does
 * not read gets 50 ms, then lines wait for him, 16 KiB of them, and what is more is lost and counted.
 * A line about what a guest did goes through a struct log_limit, so that a guest cannot fill the host's disk.
 * Control characters in what is printed become '?' (text_clean()).
 */
#ifndef LKVM_UTIL_LOG_H
#define LKVM_UTIL_LOG_H

#include "lkvm/util/types.h"

enum log_level {
	LOG_LEVEL_FATAL = -1, /* is always printed */
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* What is above `level` is not printed. Call before threads exist. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* Several lines, as they are, at every level: registers after a crash, and output that was asked for. */
void log_text(const char *text);
/* Writes what waits for the reader and waits up to `ms` for him, once. True when nothing is left. exit(3) does it, too. */
bool log_drain(unsigned ms);
/* "  Fatal: ": lkvm will end because of this. Printing it does not end anything. */
void log_fatal(const char *fmt, ...) __printf(1, 2);
void log_error(const char *fmt, ...) __printf(1, 2);
void log_warning(const char *fmt, ...) __printf(1, 2);
void log_info(const char *fmt, ...) __printf(1, 2);
void log_debug(const char *fmt, ...) __printf(1, 2);

/* Any thread: has a fatal line or one about an error been logged? */
bool log_failed(void);

/* At most `burst` lines while the device exists; zero-initialised fields other than burst. */
struct log_limit {
	unsigned burst;		/* constant */
	_Atomic unsigned spent; /* any thread */
};
#define LOG_LIMIT(n)                                                                               \
	{                                                                                          \
		.burst = (n)                                                                       \
	}
/* True while lines are left; the last one that is allowed should not promise more. */
bool log_limit_ok(struct log_limit *limit);

#endif
