// SPDX-License-Identifier: GPL-2.0-or-later
/* How long the end of a guest waits for who reads its output, and which status comes of it. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lkvm/config/exit-status.h"
#include "lkvm/vm/end.h"
#include "lkvm/vm/vm.h"
#include "quick_time.h"
#include "said.h"

#define NEVER 1000000U

static struct {
	struct vm vm;
	struct vm_config config;
	struct device console;
	unsigned asked, stopped; /* times */
	unsigned drained_at;	 /* asked so often it says yes */
	unsigned request_at;	 /* asked so often somebody makes a request */
	enum vm_request request;
} test;

static bool test_drained(struct device *device, const struct deadline *deadline)
{
	assert_ptr_equal(deadline, &test.vm.deadline);
	assert_false(test.stopped);
	test.asked++;
	if (test.asked == test.request_at)
		vm_request(&test.vm, test.request);
	return test.asked >= test.drained_at;
}

static void test_stop(struct device *device)
{
	test.stopped++;
}

static void on_request(struct loop_fd *handler, u32 events)
{
	u64 count;

	assert_int_equal(read(handler->fd, &count, sizeof(count)), sizeof(count));
	loop_stop(test.vm.loop);
}

static int setup(void **state)
{
	static const struct device_ops ops = { .drained = test_drained, .stop = test_stop };

	memset(&test, 0, sizeof(test));
	test.config.name = "test";
	vm_init(&test.vm, &test.config);
	test.vm.loop = loop_create("test");
	test.vm.request_fd = (struct loop_fd){ .fd = eventfd(0, EFD_CLOEXEC), .ready = on_request };
	assert_int_equal(loop_fd_add(test.vm.loop, &test.vm.request_fd, EPOLLIN), 0);
	device_init(&test.console, &ops, "console");
	device_add(&test.vm.devices, &test.console);
	test.drained_at = 1;
	return devices_start(&test.vm.devices);
}

static int teardown(void **state)
{
	loop_fd_del(&test.vm.request_fd);
	close(test.vm.request_fd.fd);
	loop_destroy(test.vm.loop);
	return 0;
}

static int end(enum vm_request request, int err)
{
	int status;

	vm_request(&test.vm, request);
	said_begin();
	status = vm_end(&test.vm, err);
	said_end();
	assert_int_equal(test.stopped, 1);
	return status;
}

/* However slow the reader is: here he takes four times as long as any other end would wait. */
static void output_of_an_ordinary_end_is_waited_for(void **state)
{
	static const enum vm_request ends[] = { VM_REQUEST_POWEROFF, VM_REQUEST_REBOOT,
						VM_REQUEST_PANIC, VM_REQUEST_TRIPLE_FAULT };
	static const int status[] = { EXIT_GUEST_DONE, EXIT_GUEST_DONE, EXIT_GUEST_PANIC,
				      EXIT_TRIPLE_FAULT };

	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
		teardown(state);
		setup(state);
		test.drained_at = 100;
		assert_int_equal(end(ends[i], 0), status[i]);
		assert_int_equal(test.asked, 100);
		assert_int_equal(test.vm.deadline.end, 0);
	}
}

static void output_that_has_gone_is_not(void **state)
{
	assert_int_equal(end(VM_REQUEST_POWEROFF, 0), EXIT_GUEST_DONE);
	assert_int_equal(test.asked, 1);
}

/* A signal, Ctrl-A x or --timeout while a reader is stuck: the guest's status stays. */
static void request_ends_the_wait(void **state)
{
	static const enum vm_request requests[] = { VM_REQUEST_SIGNAL, VM_REQUEST_QUIT,
						    VM_REQUEST_TIMEOUT };

	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
		teardown(state);
		setup(state);
		test.drained_at = NEVER;
		test.request_at = 50;
		test.request = requests[i];
		assert_int_equal(end(VM_REQUEST_POWEROFF, 0), EXIT_GUEST_DONE);
		assert_true(test.asked > 50);
		assert_int_equal(test.vm.external_request, requests[i]);
	}
}

static void other_ends_wait_a_little(void **state)
{
	test.drained_at = NEVER;
	assert_int_equal(end(VM_REQUEST_HOST_ERROR, 0), EXIT_HOST_ERROR);
	assert_true(test.asked > 1);
	/* A signal while disks are closed has time of its own. */
	assert_int_equal(test.vm.deadline.end, 0);
}

static void error_of_ours_waits_a_little(void **state)
{
	test.drained_at = NEVER;
	assert_int_equal(end(VM_REQUEST_REBOOT, -EIO), EXIT_HOST_ERROR);
	assert_true(test.asked > 1);
}

/* The first request counts: another one gives the reader no more time. */
static void deadline_is_set_once(void **state)
{
	u64 deadline;

	vm_request(&test.vm, VM_REQUEST_TIMEOUT);
	deadline = test.vm.deadline.end;
	assert_true(deadline > 0);
	test.drained_at = NEVER;
	assert_int_equal(end(VM_REQUEST_QUIT, 0), EXIT_TIMEOUT);
	assert_int_equal(test.vm.deadline.end, deadline);
	SAID("Guest test did not end within");
}

static void lost_output_is_a_status(void **state)
{
	test.vm.output_lost = EPIPE;
	assert_int_equal(end(VM_REQUEST_POWEROFF, 0), EXIT_READER_GONE);
	SAID("Nobody reads the console of guest test any more");
	teardown(state);
	setup(state);
	test.vm.output_lost = ENOSPC;
	assert_int_equal(end(VM_REQUEST_POWEROFF, 0), EXIT_HOST_ERROR);
	teardown(state);
	setup(state);
	test.vm.output_lost = ENOSPC;
	assert_int_equal(end(VM_REQUEST_PANIC, 0), EXIT_GUEST_PANIC);
}

/* A guest that resets itself for ever must not hide what the host cannot go on with. */
static void host_error_beats_a_reset(void **state)
{
	vm_request(&test.vm, VM_REQUEST_REBOOT);
	vm_request(&test.vm, VM_REQUEST_POWEROFF);
	assert_int_equal(test.vm.end, VM_REQUEST_REBOOT);
	vm_request(&test.vm, VM_REQUEST_HOST_ERROR);
	assert_int_equal(test.vm.end, VM_REQUEST_HOST_ERROR);
	assert_int_equal(end(VM_REQUEST_POWEROFF, 0), EXIT_HOST_ERROR);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		T(output_of_an_ordinary_end_is_waited_for),
		T(output_that_has_gone_is_not),
		T(request_ends_the_wait),
		T(other_ends_wait_a_little),
		T(error_of_ours_waits_a_little),
		T(deadline_is_set_once),
		T(lost_output_is_a_status),
		T(host_error_beats_a_reset),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
