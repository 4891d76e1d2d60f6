// SPDX-License-Identifier: GPL-2.0-or-later
/* Character devices on terminals: raw and restored, ctrl-a, sizes, the background, ptys of lkvm's own. */
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include "chardev_front.h"
#include "lkvm/util/fatal.h"

/* ---- terminals ---- */

static int open_pty_pair(char *path)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	assert_int_equal(ptsname_r(master, path, 64), 0);
	return master;
}

static bool is_raw(int master)
{
	struct termios mode;

	tcgetattr(master, &mode);
	return !(mode.c_lflag & (ICANON | ECHO | ISIG)) && !(mode.c_oflag & OPOST);
}

static bool is_cooked(int master)
{
	struct termios mode;

	tcgetattr(master, &mode);
	return (mode.c_lflag & ICANON) && (mode.c_lflag & ECHO) && (mode.c_lflag & ISIG);
}

static struct chardev *open_terminal(int *master)
{
	char path[64];

	*master = open_pty_pair(path);
	use_stdin(open(path, O_RDWR | O_NOCTTY));
	dup2(0, 1);
	return open_stdio();
}

static void terminal_is_raw_while_started(void **state)
{
	int master;

	open_terminal(&master);
	assert_true(is_raw(master));
	assert_int_equal(fcntl(0, F_GETFL) & O_NONBLOCK, 0);
	stop_it();
	assert_true(is_cooked(master));
	start_it();
	assert_true(is_raw(master));
	fatal_end();
	assert_true(is_cooked(master));
	destroy_it();
	close(master);
}

static void ctrl_a(void **state)
{
	/* What is typed, in pieces cut at '|', and what the guest gets. */
	static const char *const cases[][2] = {
		{ "ab", "ab" },
		{ "\001\001", "\001" },
		{ "\001|\001", "\001" },
		{ "a\001|b", "a\001b" },
		{ "\001b", "\001b" },
		{ "\001\001\001\001", "\001\001" },
		{ "\001|\001|x", "\001x" },
		{ "a|\001c|d", "a\001cd" },
		{ "\003\032\034", "\003\032\034" },
	};
	struct chardev *c;
	int master;

	c = open_terminal(&master);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *want = cases[i][1];

		front.len = 0;
		/* Also into a front end that takes one byte at a time. */
		front.room = i % 2 ? 1 : 100;
		for (const char *p = cases[i][0]; *p; p++) {
			if (*p == '|')
				turn(3);
			else
				put(master, p, 1);
		}
		chardev_room_again(c);
		while (front.len < strlen(want)) {
			unsigned before = front.len;

			until(front.len > before || !front.room);
			if (!front.room)
				give_room(c, 1);
		}
		turn(3);
		assert_int_equal(front.len, strlen(want));
		assert_memory_equal(front.got, want, front.len);
	}
	assert_int_equal(test_vm.requests, 0);
	destroy_it();
	close(master);
}

/* Also when the guest has hung and takes nothing. */
static void ctrl_a_x_quits(void **state)
{
	struct chardev *c;
	int master;

	c = open_terminal(&master);
	front.room = 0;
	put(master, "typed ahead\001", 12);
	turn(5);
	assert_int_equal(test_vm.requests, 0);
	put(master, "x", 1);
	until(test_vm.requests);
	assert_int_equal(test_vm.requests, 1u << VM_REQUEST_QUIT);
	give_room(c, 100);
	until(front.len == 11);
	assert_memory_equal(front.got, "typed ahead", 11);
	destroy_it();
	close(master);
}

static void terminal_that_hangs_up(void **state)
{
	struct chardev *c;
	int master;

	c = open_terminal(&master);
	front.room = 100;
	close(master);
	until(test_vm.requests);
	assert_int_equal(test_vm.requests, 1u << VM_REQUEST_READER_GONE);
	chardev_puts(c, "nobody");
	turn(5);
	assert_false(spins());
	destroy_it();
}

/* After nohup(1). */
static void terminal_that_may_hang_up(void **state)
{
	struct chardev *c;
	int master;

	signal(SIGHUP, SIG_IGN);
	c = open_terminal(&master);
	signal(SIGHUP, SIG_DFL);
	close(master);
	turn(5);
	chardev_puts(c, "nobody");
	turn(5);
	assert_int_equal(test_vm.requests, 0);
	assert_int_equal(test_vm.vm.output_lost, 0);
	assert_false(spins());
	destroy_it();
}

static void ctrl_a_helps(void **state)
{
	static const char *const lines[] = {
		"\r\nCtrl-A x ends the guest, Ctrl-A Ctrl-A sends one Ctrl-A, Ctrl-A ? shows this.\r\n",
		"From another terminal, 'lkvm stop --name test' ends it and 'lkvm pause' pauses it.\r\n",
	};
	int master;

	open_terminal(&master);
	front.room = 100;
	for (const char *key = "?h"; *key; key++) {
		put(master, "a\001", 2);
		put(master, key, 1);
		put(master, "b", 1);
		until(front.len == 2);
		assert_memory_equal(front.got, "ab", 2);
		front.len = 0;
		turn(5);
		for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
			expect_read(master, lines[i]);
	}
	destroy_it();
	close(master);
}

/* What the shell or lkvm has to say begins in the first column. */
static void ends_on_a_fresh_line(void **state)
{
	struct chardev *c;
	int master;

	c = open_terminal(&master);
	chardev_puts(c, "login: ");
	assert_true(drained(0));
	stop_it();
	expect_read(master, "login: \r\n");
	start_it();
	chardev_puts(c, "a line\r\n");
	assert_true(drained(0));
	destroy_it();
	expect_read(master, "a line\r\n");
	assert_int_equal(poll(&(struct pollfd){ .fd = master, .events = POLLIN }, 1, 0), 0);
	close(master);
}

static void size_and_its_changes(void **state)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct chardev *c;
	u16 columns, rows;
	int master;

	c = open_terminal(&master);
	assert_false(chardev_size(c, &columns, &rows));
	ioctl(master, TIOCSWINSZ, &size);
	assert_true(chardev_size(c, &columns, &rows));
	assert_int_equal(columns, 80);
	assert_int_equal(rows, 24);
	/* Not our controlling terminal, so the kernel does not send it. */
	raise(SIGWINCH);
	until(front.resized == 1);
	raise(SIGWINCH);
	turn(5);
	assert_int_equal(front.resized, 1);
	destroy_it();
	raise(SIGWINCH);
	close(master);
}

/* ---- a process of its own on a terminal of its own ---- */

enum child_end { END_SEGV, END_ABORT, END_ILL, END_ALARM, END_EXIT, END_KILL };

static void child(const char *path, int ready_fd, int go_fd, enum child_end end)
{
	struct chardev *c;
	char byte;

	/* Not a session leader: the end of one would reset the terminal by itself. */
	use_stdin(open(path, O_RDWR | O_NOCTTY));
	dup2(0, 1);
	/* cmocka and sanitizers have their own ideas of these. */
	signal(SIGSEGV, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	signal(SIGFPE, SIG_DFL);
	signal(SIGILL, SIG_DFL);
	c = chardev_stdio(&test_vm.vm);
	chardev_set_client(c, &front_client);
	start_it();
	put(ready_fd, "r", 1);
	/* The parent looks at the mode. */
	if (read(go_fd, &byte, 1) != 1)
		_exit(98);
	switch (end) {
	case END_SEGV:
		kill(getpid(), SIGSEGV);
		break;
	case END_ABORT:
		abort();
	case END_ILL:
		__builtin_trap(); /* a real fault, not one that was sent */
	case END_ALARM:
		kill(getpid(), SIGALRM);
		break;
	case END_KILL:
		kill(getpid(), SIGKILL);
		break;
	case END_EXIT:
		exit(0);
	}
	_exit(99);
}

/* A way to end after which nothing can be restored shows that the test would see it. */
static void restored_after(enum child_end end, int signal)
{
	int ready[2], go[2], master, status, keep;
	char path[64], byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	master = open_pty_pair(path);
	/* Kept open: else the last close would take the terminal's mode with it. */
	keep = open(path, O_RDWR | O_NOCTTY);
	pid = fork();
	if (!pid)
		child(path, ready[1], go[0], end);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_true(is_raw(master));
	put(go[1], "g", 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (signal)
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signal);
	else
		assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	assert_int_equal(is_cooked(master), end != END_KILL);
	close(master);
	close(keep);
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	close(go[1]);
}

static void terminal_is_restored_after_a_crash(void **state)
{
	restored_after(END_SEGV, SIGSEGV);
	restored_after(END_ABORT, SIGABRT);
	restored_after(END_ILL, SIGILL);
	restored_after(END_ALARM, SIGALRM);
	restored_after(END_EXIT, 0);
	restored_after(END_KILL, SIGKILL);
}

static void background_child(int ready_fd)
{
	struct chardev *c;

	setpgid(0, 0);
	c = chardev_stdio(&test_vm.vm);
	chardev_set_client(c, &front_client);
	front.room = 100;
	start_it();
	turn(20);
	put(ready_fd, front.len ? "?" : "b", 1);
	for (int i = 0; i < 3000 && !front.len; i++)
		turn(1);
	put(ready_fd, front.got, 1);
	destroy_it();
	_exit(0);
}

/* The shell of a session: starts lkvm in the background, later brings it to the foreground. */
static void shell(const char *path, int ready_fd, int go_fd)
{
	int status;
	pid_t pid;
	char byte;

	setsid();
	use_stdin(open(path, O_RDWR));
	dup2(0, 1);
	signal(SIGTTOU, SIG_IGN);
	pid = fork();
	if (!pid) {
		signal(SIGTTOU, SIG_DFL);
		background_child(ready_fd);
	}
	setpgid(pid, pid);
	if (read(go_fd, &byte, 1) != 1)
		_exit(1);
	tcsetpgrp(0, pid);
	waitpid(pid, &status, WUNTRACED);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
}

static void background_is_not_stopped(void **state)
{
	int ready[2], go[2], master, keep, status;
	char path[64], byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	master = open_pty_pair(path);
	keep = open(path, O_RDWR | O_NOCTTY);
	pid = fork();
	if (!pid)
		shell(path, ready[1], go[0]);
	/* A line that is there already would stop a process that reads in the background. */
	put(master, "typed\n", 6);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'b');
	assert_true(is_cooked(master));
	put(go[1], "g", 1);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 't');
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	assert_true(is_cooked(master));
	close(master);
	close(keep);
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	close(go[1]);
}

/* ---- ptys ---- */

static char *open_pty(struct chardev **c)
{
	static char path[64], line[128];
	int err[2], saved = fcntl(2, F_DUPFD_CLOEXEC, 10);
	struct pty *pty = pty_open(3, NULL);
	ssize_t n;

	/* The path is told to the person, so that is where it is taken from. */
	assert_int_equal(pipe(err), 0);
	dup2(err[1], 2);
	assert_non_null(pty);
	*c = pty_create(pty, &test_vm.vm);
	assert_non_null(*c);
	chardev_set_client(*c, &front_client);
	start_it();
	dup2(saved, 2);
	close(saved);
	close(err[1]);
	n = read(err[0], line, sizeof(line) - 1);
	close(err[0]);
	assert_true(n > 0);
	line[n] = 0;
	assert_int_equal(sscanf(line, "  Info: Assigned terminal 3 to pty %63s", path), 1);
	return path;
}

static void pty_survives_its_users(void **state)
{
	struct chardev *c;
	char *path = open_pty(&c);

	front.room = 100;
	chardev_puts(c, "nobody there");
	turn(5);
	assert_false(spins());
	for (int user = 0; user < 3; user++) {
		int slave = open(path, O_RDWR | O_NOCTTY);

		assert_true(slave >= 0);
		assert_true(is_raw(slave));
		front.len = 0;
		put(slave, "hi\r\003", 4);
		until(front.len == 4);
		assert_memory_equal(front.got, "hi\r\003", 4);
		chardev_puts(c, "hello\r\n");
		turn(5);
		expect_read(slave, "hello\r\n");
		/* Last words before hanging up. */
		put(slave, "bye", 3);
		close(slave);
		until(front.len == 7);
		assert_false(spins());
		/* Nobody keeps a guest from printing. */
		for (int i = 0; i < 2000; i++)
			chardev_puts(c, "nobody reads this, so it goes nowhere");
		turn(3);
	}
	destroy_it();
}

/* What was printed just before the end reaches a reader that is there, but not the quickest. */
static void pty_gives_last_words(void **state)
{
	struct chardev *c;
	char *path = open_pty(&c);
	int slave = open(path, O_RDWR | O_NOCTTY);

	/* It has seen that somebody is there. */
	front.room = 1;
	put(slave, "x", 1);
	until(front.len == 1);
	chardev_puts(c, "last words");
	for (int i = 0; i < 20; i++)
		assert_false(drained(1000000000ULL));
	expect_read(slave, "last words");
	until(drained(1000000000ULL));
	close(slave);
	destroy_it();
}

/* Who has it open may never read: he gets as long as any reader, and no longer. */
static void pty_does_not_wait_for_ever(void **state)
{
	struct chardev *c;
	char *path = open_pty(&c);
	int slave = open(path, O_RDWR | O_NOCTTY);

	front.room = 1;
	put(slave, "x", 1);
	until(front.len == 1);
	chardev_puts(c, "last words");
	assert_false(drained(1000000000ULL));
	assert_true(drained(0));
	close(slave);
	destroy_it();
}

static void pty_waits_for_room(void **state)
{
	struct chardev *c;
	char *path = open_pty(&c);
	int slave = open(path, O_RDWR | O_NOCTTY);

	put(slave, "0123456789", 10);
	turn(300);
	assert_int_equal(front.len, 0);
	assert_false(spins());
	give_room(c, 4);
	until(front.len == 4);
	give_room(c, 40);
	until(front.len == 10);
	assert_memory_equal(front.got, "0123456789", 10);
	close(slave);
	destroy_it();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: its children must be the first to take the fatal signals. */
		T(terminal_is_restored_after_a_crash),
		T(terminal_is_raw_while_started),
		T(ctrl_a),
		T(ctrl_a_x_quits),
		T(terminal_that_hangs_up),
		T(terminal_that_may_hang_up),
		T(ctrl_a_helps),
		T(ends_on_a_fresh_line),
		T(size_and_its_changes),
		T(background_is_not_stopped),
		T(pty_survives_its_users),
		T(pty_waits_for_room),
		T(pty_gives_last_words),
		T(pty_does_not_wait_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
