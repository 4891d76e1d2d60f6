// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lkvm/util/log.h"
#include "lkvm/util/shared-fd.h"
#include "lkvm/util/text.h"

#define BACKLOG_SIZE 16384
/* Waited once until the reader is back; afterwards it counts as one that does not read. */
#define PATIENCE_MS  50
/* For what is left when the program ends. */
#define LAST_MS	     500

static enum log_level threshold = LOG_LEVEL_INFO;
static _Atomic bool failed; /* log_failed()'s; any thread */

/* Never held while something blocks. What follows is under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shared_fd out = { .fd = -1 };
static struct stat out_is; /* what standard error was when `out` was made of it */
static char backlog[BACKLOG_SIZE];
static size_t backlog_len;
static unsigned lost; /* lines that the backlog had no space for */
static bool stuck;

void log_set_level(enum log_level level)
{
	threshold = level;
}

enum log_level log_get_level(void)
{
	return threshold;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_rdev == b->st_rdev;
}

/* Standard error may be something else than it was. */
static void look_at_output(void)
{
	struct stat now;

	if (fstat(STDERR_FILENO, &now))
		memset(&now, 0, sizeof(now));
	if (out.fd >= 0 && same_file(&now, &out_is))
		return;
	shared_fd_exit(&out);
	shared_fd_init(&out, STDERR_FILENO, O_WRONLY);
	out_is = now;
}

/* How much of it can be written without waiting; all of it when there is no reader left. */
static size_t try_write(const char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = shared_fd_write(&out, text + done, len - done);

		if (n == -EINTR)
			continue;
		if (n == -EAGAIN)
			break;
		if (n <= 0)
			return len;
		done += n;
	}
	return done;
}

static void flush_backlog(void)
{
	size_t done;

	for (;;) {
		done = try_write(backlog, backlog_len);
		backlog_len -= done;
		memmove(backlog, backlog + done, backlog_len);
		if (backlog_len || !lost)
			break;
		backlog_len = snprintf(backlog, sizeof(backlog),
				       "  Warning: %u lines were lost here: nobody read them%s\n",
				       lost, out.tty ? "\r" : "");
		lost = 0;
	}
	if (!backlog_len)
		stuck = false;
}

static void log_keep(const char *text, size_t len)
{
	if (len > sizeof(backlog) - backlog_len) {
		for (size_t i = 0; i < len; i++)
			lost += text[i] == '\n';
		return;
	}
	memcpy(backlog + backlog_len, text, len);
	backlog_len += len;
}

static void wait_for_reader(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	poll(&p, 1, ms);
}

/* Whole lines; those of several threads never mix. */
static void log_emit(const char *text, size_t len)
{
	size_t done = 0;

	flush_backlog();
	if (!backlog_len)
		done = try_write(text, len);
	if (done < len)
		log_keep(text + done, len - done);
	if (!backlog_len || stuck)
		return;
	stuck = true;
	pthread_mutex_unlock(&lock);
	wait_for_reader(out.fd, PATIENCE_MS);
	pthread_mutex_lock(&lock);
	flush_backlog();
}

bool log_drain(unsigned ms)
{
	bool empty;
	int fd;

	pthread_mutex_lock(&lock);
	flush_backlog();
	empty = !backlog_len;
	fd = out.fd;
	pthread_mutex_unlock(&lock);
	if (empty || !ms)
		return empty;
	wait_for_reader(fd, ms);
	return log_drain(0);
}

/* When the program ends. */
static void log_end(void) __attribute__((destructor));
static void log_end(void)
{
	log_drain(LAST_MS);
}

/* The terminal may be raw by now, so a carriage return goes with every line feed there. */
void log_text(const char *text)
{
	char buffer[8192];
	size_t len = 0;

	pthread_mutex_lock(&lock);
	look_at_output();
	for (; *text && len + 2 <= sizeof(buffer); text++) {
		if (*text == '\n' && out.tty)
			buffer[len++] = '\r';
		buffer[len++] = *text;
	}
	log_emit(buffer, len);
	pthread_mutex_unlock(&lock);
}

static void log_print(const char *prefix, const char *fmt, va_list args)
{
	char line[1024];
	int head, len;

	head = snprintf(line, sizeof(line), "  %s: ", prefix);
	len = vsnprintf(line + head, sizeof(line) - head - 1, fmt, args);
	if (len < 0)
		return;
	/* Names of files and processes, and what guests and others said, are anybody's. */
	text_clean(line + head);
	len = strlen(line);
	memcpy(line + len, "\n", 2);
	log_text(line);
}

#define LEVEL(name, level, prefix)                                                                 \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list args;                                                                      \
                                                                                                   \
		if (threshold < (level))                                                           \
			return;                                                                    \
		failed |= (level) <= LOG_LEVEL_ERROR;                                              \
		va_start(args, fmt);                                                               \
		log_print(prefix, fmt, args);                                                      \
		va_end(args);                                                                      \
	}

LEVEL(log_fatal, LOG_LEVEL_FATAL, "Fatal")
LEVEL(log_error, LOG_LEVEL_ERROR, "Error")
LEVEL(log_warning, LOG_LEVEL_WARNING, "Warning")
LEVEL(log_info, LOG_LEVEL_INFO, "Info")
LEVEL(log_debug, LOG_LEVEL_DEBUG, "Debug")

bool log_failed(void)
{
	return failed;
}

bool log_limit_ok(struct log_limit *limit)
{
	if (limit->spent >= limit->burst)
		return false;
	return limit->spent++ < limit->burst;
}
