// SPDX-License-Identifier: GPL-2.0-or-later
/* A helper that is watched: replaced when it ends, refused when it is not ready, and its lines bounded. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lkvm/util/helper-watch.h"
#include "said.h"

static struct loop *loop;
static struct helper_watch watch;
static unsigned begun, ready, lost, lost_up, received;
static bool refuse;

/* Answers what it is told, until that is 'q'; then prints a lot first. */
static int helper_main(int fd)
{
	struct pollfd asked = { fd, POLLIN, 0 };
	char byte;

	for (;;) {
		poll(&asked, 1, -1);
		if (recv(fd, &byte, 1, 0) <= 0)
			return 0;
		if (byte == 'q')
			break;
		send(fd, &byte, 1, MSG_NOSIGNAL);
	}
	for (unsigned i = 0; i < 100; i++)
		dprintf(STDERR_FILENO, "line %u\n", i);
	return 7;
}

static const struct helper_kind kind = {
	.name = "test", .main = helper_main, .data = 1 << 20, .descriptors = 16
};

static int on_begin(struct helper_watch *w)
{
	begun++;
	return send(w->helper.fd, "r", 1, 0) == 1 ? 0 : -EIO;
}

static bool on_ready(struct helper_watch *w)
{
	char byte;

	assert_int_equal(recv(w->helper.fd, &byte, 1, 0), 1);
	ready++;
	if (refuse)
		return false;
	helper_watch_up(w);
	loop_stop(loop);
	return true;
}

static void on_received(struct helper_watch *w)
{
	char byte;

	if (recv(w->helper.fd, &byte, 1, MSG_DONTWAIT) == 1)
		received++;
	loop_stop(loop);
}

static void on_lost(struct helper_watch *w, bool was_up)
{
	lost++;
	lost_up += was_up;
	loop_stop(loop);
}

static const struct helper_watch_ops ops = {
	.kind = &kind,
	.what = "Test",
	.meanwhile = "nothing goes on",
	.prints = "library",
	.begin = on_begin,
	.ready = on_ready,
	.received = on_received,
	.lost = on_lost,
};

static int setup(void **state)
{
	begun = ready = lost = lost_up = received = 0;
	refuse = false;
	loop = loop_create("test");
	helper_watch_init(&watch, &ops);
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	helper_watch_off(&watch);
	helper_watch_end(&watch, 0);
	loop_destroy(loop);
	return 0;
}

static unsigned count(const char *words)
{
	unsigned n = 0;

	for (const char *at = said; (at = strstr(at, words)); at++)
		n++;
	return n;
}

static void replaced_when_it_ends(void **state)
{
	char words[128];

	said_begin();
	assert_int_equal(helper_watch_begin(&watch), 0);
	assert_true(helper_watch_wait(&watch, 20000, words, sizeof(words)));
	assert_int_equal(helper_watch_on(&watch, loop), 0);
	loop_run(loop);
	assert_int_equal(watch.state, HELPER_UP);
	helper_watch_kick(&watch);
	while (!received)
		loop_run(loop);

	assert_int_equal(send(watch.helper.fd, "q", 1, 0), 1);
	while (!lost)
		loop_run(loop);
	assert_int_equal(watch.state, HELPER_NONE);
	assert_int_equal(lost_up, 1);
	while (ready < 2)
		loop_run(loop);
	said_end();
	assert_int_equal(watch.state, HELPER_UP);
	assert_int_equal(begun, 2);
	assert_int_equal(count("Test: the helper ended with status 7; nothing goes on"), 1);
	assert_true(count("Test: library: line ") <= 8);
}

/* Its first words are none that it should say: it must go, and the next one comes later. */
static void refused(void **state)
{
	said_begin();
	refuse = true;
	assert_int_equal(helper_watch_begin(&watch), 0);
	assert_int_equal(helper_watch_on(&watch, loop), 0);
	while (!lost)
		loop_run(loop);
	said_end();
	assert_int_equal(lost_up, 0);
	assert_int_equal(begun, 1);
	SAID("Test: the helper was ended by signal 9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(replaced_when_it_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(refused, setup, teardown),
	};
	int failed;

	assert_int_equal(helpers_begin(), 0);
	log_set_level(LOG_LEVEL_INFO);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	helpers_end();
	return failed;
}
