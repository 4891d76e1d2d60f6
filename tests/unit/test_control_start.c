// SPDX-License-Identifier: GPL-2.0-or-later
/* The control socket before its guest runs, and pauses that somebody asked for and then did not wait for. */
#include <errno.h>
#include <signal.h>

#include "control_guest.h"

/* While the main thread assembles the guest somebody answers, and it can be stopped. */
static void test_starting(void **state)
{
	struct control_peer peer, other, waiting;
	json_t *answer;

	/* Not yet there. */
	free(vm->exits);
	vm->exits = NULL;
	begin_start();
	peer = connect_to("test");
	answers(&peer, "{\"request\":\"info\"}\n", "\"state\": \"starting\"");
	answers(&peer, "{\"request\":\"stat\"}\n",
		"\"exits\": {}, \"exits_by_vcpu\": {}, \"devices\": {}}");
	/* What needs the guest waits for it, and keeps nobody else waiting. */
	waiting = connect_to("test");
	assert_int_equal(control_ask(&waiting, "resume", NULL, 200, &answer), -ETIMEDOUT);
	answers(&peer, "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	other = connect_to("test");
	assert_int_equal(control_ask(&other, "stop", NULL, PATIENCE_MS, &answer), 0);
	assert_state(answer, "ending");
	json_decref(answer);
	assert_int_equal(vm->signal, SIGTERM);
	assert_true(vm_ending(vm));
	/* What needs the main loop is done from its first round on. */
	vm->exits = exit_counters_create(2);
	exit_count(&vm->exits[0], 2);
	run_loop();
	assert_string_equal(
		read_line(&waiting),
		"{\"ok\": false, \"code\": \"ending\", \"error\": \"the guest is about to end\"}\n");
	answers(&peer, "{\"request\":\"stat\"}\n", "\"exits\": {\"io\": 1}");
	assert_int_equal(control_wait_end(&other, 100), -ETIMEDOUT);
	end();
	control_stop(control);
	control_destroy(control);
	control = NULL;
	assert_int_equal(control_wait_end(&other, PATIENCE_MS), 0);
	control_disconnect(&peer);
	control_disconnect(&other);
	control_disconnect(&waiting);
}

/* One that never comes to run; its loop may still serve what was posted to it. */
static void test_start_that_fails(void **state)
{
	struct control_peer peer;

	begin_start();
	peer = connect_to("test");
	answers(&peer, "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	control_stop(control);
	loop_serve(vm->loop);
	control_destroy(control);
	control = NULL;
	assert_string_equal(read_line(&peer), "");
	control_disconnect(&peer);
}

static void test_pause(void **state)
{
	struct control_peer peer;

	begin();
	peer = connect_to("test");
	answers(&peer, "{\"request\":\"pause\"}\n", "{\"ok\": true, \"state\": \"paused\"}");
	answers(&peer, "{\"request\":\"resume\"}\n", "{\"ok\": true, \"state\": \"running\"}");
	control_disconnect(&peer);
	end();
}

/* Nobody is left who thinks that it was done. */
static void test_pause_given_up(void **state)
{
	struct control_peer peer;
	json_t *answer;

	begin_start();
	peer = connect_to("test");
	assert_int_equal(control_ask(&peer, "pause", NULL, 100, &answer), -ETIMEDOUT);
	control_disconnect(&peer);
	/* The same when the main loop is busy. */
	run_loop();
	end();
	peer = connect_to("test");
	send_bytes(&peer, "{\"request\":\"ping\"}\n", 19);
	send_bytes(&peer, "{\"request\":\"pause\"}\n", 20);
	control_disconnect(&peer);
	peer = connect_to("test");
	send_bytes(&peer, "{\"request\":\"pause\"}\n", 20);
	control_disconnect(&peer);
	run_loop();
	peer = connect_to("test");
	answers(&peer, "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	answers(&peer, "{\"request\":\"info\"}\n", "\"state\": \"running\"");
	assert_int_equal(pauses, 0);
	control_disconnect(&peer);
	end();
}

/* A device that takes long to come to rest. */
static void test_pause_given_up_meanwhile(void **state)
{
	struct control_peer peer, other;

	begin();
	peer = connect_to("test");
	leaves = &peer;
	send_bytes(&peer, "{\"request\":\"pause\"}\n", 20);
	other = connect_to("test");
	do {
		answers(&other, "{\"request\":\"ping\"}\n", "{\"ok\": true}\n");
	} while (!resumes);
	answers(&other, "{\"request\":\"info\"}\n", "\"state\": \"running\"");
	assert_int_equal(pauses, 1);
	assert_int_equal(resumes, 1);
	control_disconnect(&other);
	end();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_starting),	   TEST(test_start_that_fails),		TEST(test_pause),
		TEST(test_pause_given_up), TEST(test_pause_given_up_meanwhile),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
