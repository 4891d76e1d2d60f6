// SPDX-License-Identifier: GPL-2.0-or-later
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lkvm/util/loop.h"
#include "test.h"

static struct loop *loop;
static char order[16];
static unsigned nr;

static int setup(void **state)
{
	loop = loop_create("test");
	nr = 0;
	order[0] = 0;
	return !loop;
}

static int teardown(void **state)
{
	loop_destroy(loop);
	return 0;
}

static void note(char what)
{
	order[nr++] = what;
	order[nr] = 0;
}

struct letter_timer {
	struct loop_timer timer;
	char letter;
};

static void on_timer(struct loop_timer *timer)
{
	note(CONTAINER_OF(timer, struct letter_timer, timer)->letter);
	if (nr == 3)
		loop_stop(loop);
}

static void timers_fire_in_order(void **state)
{
	struct letter_timer a = { .timer.expired = on_timer, .letter = 'a' };
	struct letter_timer b = { .timer.expired = on_timer, .letter = 'b' };
	struct letter_timer c = { .timer.expired = on_timer, .letter = 'c' };
	struct letter_timer never = { .timer.expired = on_timer, .letter = 'x' };

	loop_timer_set(loop, &c.timer, 3000000);
	loop_timer_set(loop, &never.timer, 500000);
	loop_timer_set(loop, &a.timer, 9000000000);
	loop_timer_set(loop, &b.timer, 2000000);
	loop_timer_set(loop, &a.timer, 1000000); /* moved forward */
	loop_timer_cancel(&never.timer);
	assert_int_equal(loop_run(loop), 0);
	assert_string_equal(order, "abc");
	assert_int_equal(a.timer.deadline, 0);
}

struct event {
	struct loop_fd handler;
	struct event *other;
	unsigned calls;
};

static void delete_the_other(struct loop_fd *handler, u32 events)
{
	struct event *event = CONTAINER_OF(handler, struct event, handler);

	event->calls++;
	loop_fd_del(&event->other->handler);
	loop_fd_del(handler);
	loop_stop(loop);
}

static void a_deleted_handler_is_not_called(void **state)
{
	struct event a = { .handler = { .fd = eventfd(1, 0), .ready = delete_the_other } };
	struct event b = { .handler = { .fd = eventfd(1, 0), .ready = delete_the_other } };

	a.other = &b;
	b.other = &a;
	assert_int_equal(loop_fd_add(loop, &a.handler, EPOLLIN), 0);
	assert_int_equal(loop_fd_add(loop, &b.handler, EPOLLIN), 0);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(a.calls + b.calls, 1);
	assert_null(a.handler.loop);
	assert_null(b.handler.loop);
	close(a.handler.fd);
	close(b.handler.fd);
}

static void count(void *arg)
{
	++*(unsigned *)arg;
}

static void where(void *arg)
{
	*(bool *)arg = loop_is_current(loop);
}

static void calls_wait_for_the_thread(void **state)
{
	unsigned counter = 0;
	bool current = false;

	/* Nobody runs it: done at once, here. */
	loop_call(loop, count, &counter);
	assert_int_equal(counter, 1);
	assert_int_equal(loop_start_thread(loop), 0);
	assert_false(loop_is_current(loop));
	for (int i = 0; i < 1000; i++)
		assert_int_equal(loop_post(loop, count, &counter), 0);
	loop_call(loop, where, &current);
	assert_true(current);
	assert_int_equal(counter, 1001); /* posted before, so run before */
	loop_stop_thread(loop);
	loop_call(loop, count, &counter);
	assert_int_equal(counter, 1002);
}

static void stop_before_run_is_not_lost(void **state)
{
	loop_stop(loop);
	assert_int_equal(loop_run(loop), 0);
}

struct waiting {
	pthread_t thread;
	_Atomic bool asked, served;
};

static void *ask(void *arg)
{
	struct waiting *waiting = arg;
	unsigned counter = 0;

	waiting->asked = true;
	loop_call(loop, count, &counter);
	waiting->served = counter == 1;
	return NULL;
}

static void serve_the_waiting(void *arg)
{
	struct waiting *waiting = arg;

	pthread_create(&waiting->thread, NULL, ask, waiting);
	while (!waiting->served)
		loop_serve(loop);
	loop_stop(loop);
}

/* A handler that waits for a thread that waits for the loop: neither would ever go on. */
static void a_waiting_handler_serves(void **state)
{
	struct waiting waiting = { 0 };

	assert_int_equal(loop_post(loop, serve_the_waiting, &waiting), 0);
	assert_int_equal(loop_run(loop), 0);
	pthread_join(waiting.thread, NULL);
	assert_true(waiting.served);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(timers_fire_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(a_deleted_handler_is_not_called, setup, teardown),
		cmocka_unit_test_setup_teardown(calls_wait_for_the_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(a_waiting_handler_serves, setup, teardown),
		cmocka_unit_test_setup_teardown(stop_before_run_is_not_lost, setup, teardown),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
