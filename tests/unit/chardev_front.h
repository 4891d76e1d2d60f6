/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A front end of character devices, the main loop, and standard descriptors of the test's own. */
#ifndef TEST_CHARDEV_FRONT_H
#define TEST_CHARDEV_FRONT_H

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "test.h"
#include "hw_vm.h"
#include "lkvm/console/chardev.h"

/* ---- a front end ---- */

static struct front {
	char got[70000];
	unsigned len;
	unsigned room; /* what it would take now */
	unsigned writable, resized;
} front;

static inline size_t front_room(void *opaque)
{
	return front.room;
}

static inline void front_receive(void *opaque, const u8 *data, size_t len)
{
	assert_true(len <= front.room && front.len + len < sizeof(front.got));
	memcpy(front.got + front.len, data, len);
	front.len += len;
	front.room -= len;
}

static inline void front_writable(void *opaque)
{
	front.writable++;
}

static inline void front_resized(void *opaque)
{
	front.resized++;
}

static const struct chardev_client front_client = { .room = front_room,
						    .receive = front_receive,
						    .writable = front_writable,
						    .resized = front_resized };

static inline void give_room(struct chardev *c, unsigned room)
{
	front.room = room;
	chardev_room_again(c);
}

/* ---- the main loop, on this thread ---- */

static struct loop_timer turn_timer;

static inline void end_turn(struct loop_timer *timer)
{
	loop_stop(test_vm.vm.loop);
}

static inline void turn(unsigned ms)
{
	turn_timer.expired = end_turn;
	loop_timer_set(test_vm.vm.loop, &turn_timer, ms * 1000000ULL);
	loop_run(test_vm.vm.loop);
}

/* Turns the loop until the condition holds; fails after a time that only a bug takes. */
#define until(condition)                                                                           \
	do {                                                                                       \
		for (int i_ = 0; !(condition); i_++) {                                             \
			assert_true(i_ < 3000);                                                    \
			turn(1);                                                                   \
		}                                                                                  \
	} while (0)

/* How often the process woke up on its own in a while: a loop that spins never sleeps. */
static inline bool spins(void)
{
	struct rusage before, after;

	getrusage(RUSAGE_THREAD, &before);
	turn(20);
	getrusage(RUSAGE_THREAD, &after);
	return (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 +
		       (after.ru_utime.tv_usec - before.ru_utime.tv_usec) +
		       (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000 +
		       (after.ru_stime.tv_usec - before.ru_stime.tv_usec) >
	       8000;
}

/* ---- standard descriptors of our own ---- */

static int saved_in, saved_out;

static inline int setup(void **state)
{
	test_vm_init();
	memset(&front, 0, sizeof(front));
	fflush(stdout);
	saved_in = fcntl(0, F_DUPFD_CLOEXEC, 10);
	saved_out = fcntl(1, F_DUPFD_CLOEXEC, 10);
	return saved_in < 0 || saved_out < 0;
}

static inline void restore_stdio(void)
{
	dup2(saved_in, 0);
	dup2(saved_out, 1);
}

static inline int teardown(void **state)
{
	restore_stdio();
	close(saved_in);
	close(saved_out);
	test_vm_exit();
	return 0;
}

static inline void use_stdin(int fd)
{
	dup2(fd, 0);
	close(fd);
}

static inline void use_stdout(int fd)
{
	dup2(fd, 1);
	close(fd);
}

/* ---- its life ---- */

static inline void start_it(void)
{
	assert_int_equal(devices_start(&test_vm.vm.devices), 0);
}

/* All that was printed has gone, or so much time has passed since the guest's end. */
static inline bool drained(u64 grace_ns)
{
	test_vm.vm.deadline.grace = clock_now() + grace_ns;
	return devices_drained(&test_vm.vm.devices, &test_vm.vm.deadline);
}

static inline void stop_it(void)
{
	devices_stop(&test_vm.vm.devices);
}

static inline void destroy_it(void)
{
	devices_destroy(&test_vm.vm.devices);
}

static inline struct chardev *open_stdio(void)
{
	struct chardev *c = chardev_stdio(&test_vm.vm);

	assert_non_null(c);
	chardev_set_client(c, &front_client);
	start_it();
	return c;
}

static inline void put(int fd, const void *data, size_t len)
{
	assert_int_equal(write(fd, data, len), len);
}

static inline void chardev_puts(struct chardev *c, const char *text)
{
	chardev_write(c, (const u8 *)text, strlen(text));
}

/* What a reader has got so far. */
static inline void expect_read(int fd, const char *text)
{
	char buffer[256];
	size_t len = strlen(text), got = 0;

	while (got < len) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		assert_int_equal(poll(&p, 1, 3000), 1);
		n = read(fd, buffer + got, len - got);
		assert_true(n > 0);
		got += n;
	}
	assert_memory_equal(buffer, text, len);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
