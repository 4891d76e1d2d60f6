// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages for a reader who reads, reads late, or does not read at all: nobody waits for him. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "test.h"
#include "lkvm/util/log.h"

static int saved, reader;
static char got[1 << 20];
static size_t got_len;

/* Standard error becomes the writing end of a pipe of one page. */
static int setup(void **state)
{
	int fds[2];

	alarm(60); /* a message that blocks would wait for ever */
	saved = fcntl(2, F_DUPFD_CLOEXEC, 10);
	if (pipe2(fds, O_CLOEXEC) || fcntl(fds[1], F_SETPIPE_SZ, 4096) < 0)
		return -1;
	reader = fds[0];
	fcntl(reader, F_SETFL, O_NONBLOCK);
	dup2(fds[1], 2);
	close(fds[1]);
	got_len = 0;
	return 0;
}

static int teardown(void **state)
{
	log_drain(0);
	dup2(saved, 2);
	close(saved);
	close(reader);
	alarm(0);
	return 0;
}

static void read_some(void)
{
	ssize_t n = read(reader, got + got_len, sizeof(got) - 1 - got_len);

	if (n > 0)
		got_len += n;
	got[got_len] = 0;
}

static void read_all(void)
{
	while (!log_drain(0))
		read_some();
	read_some();
}

static void waits_for_nobody(void **state)
{
	unsigned n, lost;
	char *line = got;

	for (unsigned i = 0; i < 2000; i++)
		log_error("line %u of those that nobody reads", i);
	assert_false(log_drain(0));
	assert_int_equal(fcntl(2, F_GETFL) & O_NONBLOCK, 0);
	read_all();
	/* What the pipe and the backlog hold came whole and in order; of the rest the number. */
	for (n = 0; n < 2000; n++) {
		char want[64];

		snprintf(want, sizeof(want), "  Error: line %u of those that nobody reads\n", n);
		if (strncmp(line, want, strlen(want)))
			break;
		line += strlen(want);
	}
	assert_in_range(n, 300, 1999);
	assert_int_equal(sscanf(line, "  Warning: %u lines were lost here", &lost), 1);
	assert_int_equal(n + lost, 2000);
	/* He is back. */
	got_len = 0;
	log_error("and on");
	read_some();
	assert_string_equal(got, "  Error: and on\n");
}

static void *log_much(void *arg)
{
	for (unsigned i = 0; i < 300; i++)
		log_error("%s %s", (char *)arg, (char *)arg);
	return NULL;
}

static void lines_stay_whole(void **state)
{
	static const char *const words[] = { "aaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbb", "ccccc" };
	pthread_t threads[ARRAY_SIZE(words)];
	char *rest = got, *line;

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		pthread_create(&threads[i], NULL, log_much, (void *)words[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		pthread_join(threads[i], NULL);
	read_all();
	while ((line = strsep(&rest, "\n")) && *line) {
		char a[32], b[32];

		if (strstr(line, "lost here"))
			continue;
		assert_int_equal(sscanf(line, "  Error: %31s %31s", a, b), 2);
		assert_string_equal(a, b);
	}
}

static void reader_that_has_gone(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < 1000; i++)
		log_error("for nobody");
	assert_false(log_drain(0));
	close(reader);
	assert_true(log_drain(0));
	log_error("for nobody");
	reader = -1;
}

static void terminal_gets_carriage_returns(void **state)
{
	static const char wanted[] = "  Error: one\r\ntwo\r\nthree\r\n";
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	struct termios mode;
	size_t len = 0;

	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	tcgetattr(slave, &mode);
	cfmakeraw(&mode);
	tcsetattr(slave, TCSANOW, &mode);
	dup2(slave, 2);
	log_error("one");
	log_text("two\nthree\n");
	/* The kernel hands it over in its own time. */
	while (len < strlen(wanted)) {
		ssize_t n = read(master, got + len, sizeof(got) - 1 - len);

		assert_true(n > 0);
		len += n;
	}
	got[len] = 0;
	assert_string_equal(got, wanted);
	close(slave);
	close(master);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(waits_for_nobody),
		T(lines_stay_whole),
		T(reader_that_has_gone),
		T(terminal_gets_carriage_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
