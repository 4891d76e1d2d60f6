// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The terminal in raw mode, and back again whatever happens: a normal end, exit(), a fatal signal. A
 * process has one controlling terminal, so this file has state of its own.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "lkvm/util/fatal.h"
#include "chardev-backend.h"

/* Signal handlers read them; written before `raw` is set. */
static struct termios cooked, raw_mode;
static int terminal_fd = -1;
static volatile sig_atomic_t raw;
static struct chardev *volatile resize_chardev;
static volatile sig_atomic_t resized;

bool terminal_in_foreground(int fd)
{
	pid_t group = tcgetpgrp(fd);

	/* Not our controlling terminal: job control has no say. */
	return group < 0 || group == getpgrp();
}

/* A process in the background that changes a terminal would be stopped: not in the middle of an end. */
static void set_mode(const struct termios *mode)
{
	sigset_t block, old;

	sigemptyset(&block);
	sigaddset(&block, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &block, &old);
	tcsetattr(terminal_fd, TCSANOW, mode);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void terminal_restore(void)
{
	int saved = errno;

	if (raw) {
		raw = 0;
		set_mode(&cooked);
	}
	errno = saved;
}

/* Whoever stopped us has likely given the terminal its own mode meanwhile. */
static void on_continue(int sig)
{
	int saved = errno;

	if (raw && terminal_in_foreground(terminal_fd))
		set_mode(&raw_mode);
	errno = saved;
}

int terminal_set_raw(int fd)
{
	struct sigaction resume = { .sa_handler = on_continue, .sa_flags = SA_RESTART };

	if (raw)
		return 0;
	if (tcgetattr(fd, &cooked))
		return -errno;
	raw_mode = cooked;
	cfmakeraw(&raw_mode);
	terminal_fd = fd;
	fatal_on_end(terminal_restore);
	sigaction(SIGCONT, &resume, NULL);
	/* Set first: a signal between the two calls restores once too often, not once too rarely. */
	raw = 1;
	set_mode(&raw_mode);
	return 0;
}

void terminal_forget(void)
{
	raw = 0;
}

static void on_resize(int sig)
{
	struct chardev *chardev = resize_chardev;
	int saved = errno;

	resized = 1;
	if (chardev)
		chardev_wake(chardev);
	errno = saved;
}

bool terminal_resized(void)
{
	bool was = resized;

	resized = 0;
	return was;
}

void terminal_on_resize(struct chardev *chardev)
{
	struct sigaction action = { .sa_handler = on_resize, .sa_flags = SA_RESTART };

	resize_chardev = chardev;
	if (chardev)
		sigaction(SIGWINCH, &action, NULL);
}
