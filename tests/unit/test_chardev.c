// SPDX-License-Identifier: GPL-2.0-or-later
/* Character devices on standard descriptors that are no terminals: input, output, who waits for whom. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include "chardev_front.h"
#include "said.h"

/* ---- input ---- */

static void pipe_is_read_only_as_room_allows(void **state)
{
	struct chardev *c;
	int in[2], left;

	assert_int_equal(pipe(in), 0);
	use_stdin(in[0]);
	c = open_stdio();
	put(in[1], "0123456789\x01x\x01\x01", 14);
	turn(5);
	assert_int_equal(front.len, 0);
	ioctl(0, FIONREAD, &left);
	assert_int_equal(left, 14);
	assert_false(spins());
	give_room(c, 3);
	until(front.len == 3);
	turn(5);
	ioctl(0, FIONREAD, &left);
	assert_int_equal(left, 11);
	/* In a pipe Ctrl-A is nothing special. */
	give_room(c, 100);
	until(front.len == 14);
	assert_memory_equal(front.got, "0123456789\x01x\x01\x01", 14);
	assert_int_equal(test_vm.requests, 0);
	assert_int_equal(fcntl(0, F_GETFL) & O_NONBLOCK, 0);
	close(in[1]);
	turn(5);
	assert_false(spins());
	destroy_it();
}

static void pipe_gives_all_before_its_end(void **state)
{
	char text[5000];
	struct chardev *c;
	int in[2];

	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = i * 7;
	assert_int_equal(pipe(in), 0);
	use_stdin(in[0]);
	put(in[1], text, sizeof(text));
	close(in[1]);
	c = open_stdio();
	while (front.len < sizeof(text)) {
		unsigned before = front.len;

		give_room(c, 13);
		until(front.len > before);
	}
	give_room(c, 13);
	turn(5);
	assert_int_equal(front.len, sizeof(text));
	assert_memory_equal(front.got, text, sizeof(text));
	assert_false(spins());
	destroy_it();
}

static void file_is_read(void **state)
{
	char name[] = "/tmp/lkvm-test-XXXXXX", text[3000];
	int fd = mkstemp(name);
	struct chardev *c;

	assert_true(fd >= 0);
	unlink(name);
	memset(text, 'f', sizeof(text));
	put(fd, text, sizeof(text));
	lseek(fd, 0, SEEK_SET);
	use_stdin(fd);
	front.room = 1000;
	c = open_stdio();
	until(front.len == 1000);
	assert_false(spins());
	give_room(c, 5000);
	until(front.len == 3000);
	assert_false(spins());
	destroy_it();
}

static void dev_null_and_closed(void **state)
{
	use_stdin(open("/dev/null", O_RDONLY));
	front.room = 10;
	open_stdio();
	turn(5);
	assert_false(spins());
	destroy_it();

	close(0);
	open_stdio();
	turn(5);
	assert_false(spins());
	destroy_it();
}

static void socket_is_read_and_written(void **state)
{
	struct chardev *c;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	dup2(pair[0], 0);
	use_stdout(pair[0]);
	front.room = 100;
	c = open_stdio();
	put(pair[1], "in", 2);
	until(front.len == 2);
	chardev_puts(c, "out");
	turn(5);
	expect_read(pair[1], "out");
	assert_int_equal(fcntl(0, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(test_vm.requests, 0);
	/* Who only stops sending may still read. */
	shutdown(pair[1], SHUT_WR);
	turn(5);
	assert_int_equal(test_vm.requests, 0);
	close(pair[1]);
	until(test_vm.requests == 1u << VM_REQUEST_READER_GONE);
	chardev_puts(c, "lost");
	turn(5);
	assert_false(spins());
	destroy_it();
}

/* ---- output ---- */

static void output_comes_soon_and_in_order(void **state)
{
	struct chardev *c;
	int out[2];

	assert_int_equal(pipe(out), 0);
	use_stdout(out[1]);
	c = open_stdio();
	chardev_puts(c, "a");
	chardev_puts(c, "bc");
	turn(10);
	expect_read(out[0], "abc");
	/* What is left is written at the end. */
	chardev_puts(c, "end");
	assert_true(drained(0));
	expect_read(out[0], "end");
	destroy_it();
	close(out[0]);
}

static void closed_reader_is_noticed(void **state)
{
	struct chardev *c;
	int out[2];

	assert_int_equal(pipe(out), 0);
	use_stdout(out[1]);
	c = open_stdio();
	close(out[0]);
	for (int i = 0; i < 100; i++) {
		chardev_puts(c, "nobody reads this, and nobody is told: ");
		turn(1);
	}
	for (int i = 0; i < 10000; i++)
		chardev_puts(c, "this much would not fit into any buffer: ");
	assert_false(spins());
	assert_true(drained(0));
	assert_int_equal(test_vm.requests, 1u << VM_REQUEST_READER_GONE);
	assert_int_equal(test_vm.vm.output_lost, EPIPE);
	destroy_it();
}

/* The guest need not print for it, and only what it prints is lost. */
static void closed_reader_of_a_silent_guest(void **state)
{
	struct chardev *c;
	int out[2];

	assert_int_equal(pipe(out), 0);
	use_stdout(out[1]);
	c = open_stdio();
	chardev_puts(c, "a line");
	turn(5);
	expect_read(out[0], "a line");
	assert_false(spins());
	close(out[0]);
	until(test_vm.requests);
	assert_int_equal(test_vm.requests, 1u << VM_REQUEST_READER_GONE);
	assert_int_equal(test_vm.vm.output_lost, 0);
	assert_false(spins());
	chardev_puts(c, "more");
	assert_int_equal(test_vm.vm.output_lost, EPIPE);
	destroy_it();
}

/* Also with output that waits for him. */
static void reader_that_is_stuck_goes(void **state)
{
	static u8 block[20000];
	struct chardev *c;
	int out[2];

	assert_int_equal(pipe(out), 0);
	fcntl(out[1], F_SETPIPE_SZ, 4096);
	use_stdout(out[1]);
	c = open_stdio();
	chardev_try_write(c, block, sizeof(block));
	turn(5);
	assert_int_equal(test_vm.requests, 0);
	close(out[0]);
	until(test_vm.requests);
	assert_int_equal(test_vm.vm.output_lost, EPIPE);
	assert_false(spins());
	destroy_it();
}

static void reader_may_go(void **state)
{
	struct chardev *c;
	int out[2];

	test_vm.config.keep_running = true;
	assert_int_equal(pipe(out), 0);
	use_stdout(out[1]);
	c = open_stdio();
	close(out[0]);
	turn(5);
	chardev_puts(c, "nobody reads this");
	turn(5);
	assert_int_equal(test_vm.requests, 0);
	assert_int_equal(test_vm.vm.output_lost, 0);
	assert_false(spins());
	destroy_it();
}

/* Nobody reads there: the console is on another device. */
static void unused_output_has_no_reader(void **state)
{
	int out[2];

	assert_int_equal(pipe(out), 0);
	use_stdout(out[1]);
	assert_non_null(chardev_stdio(&test_vm.vm));
	start_it();
	close(out[0]);
	turn(5);
	assert_int_equal(test_vm.requests, 0);
	destroy_it();
}

static void full_disk_is_told_once(void **state)
{
	struct chardev *c;

	use_stdout(open("/dev/full", O_WRONLY));
	c = open_stdio();
	assert_int_equal(test_vm.vm.output_lost, 0);
	said_begin();
	for (int i = 0; i < 10; i++) {
		chardev_puts(c, "no room for this");
		turn(3);
	}
	said_end();
	SAID("The guest's console output cannot be written, some of it is lost: No space left on device");
	assert_int_equal(test_vm.vm.output_lost, ENOSPC);
	assert_int_equal(test_vm.requests, 0);
	assert_false(spins());
	destroy_it();
}

static void stuck_reader_blocks_nothing_here(void **state)
{
	static u8 block[20000];
	struct chardev *c;
	size_t taken = 0;
	int out[2];
	char byte;

	assert_int_equal(pipe(out), 0);
	fcntl(out[1], F_SETPIPE_SZ, 4096);
	use_stdout(out[1]);
	c = open_stdio();
	taken = chardev_try_write(c, block, sizeof(block));
	assert_true(taken > 4096 && taken < sizeof(block));
	turn(5);
	assert_int_equal(front.writable, 0);
	assert_false(spins());
	/* On the main loop's thread even this one returns. */
	chardev_write(c, block, sizeof(block));
	assert_false(drained(0));
	while (!front.writable) {
		assert_int_equal(read(out[0], &byte, 1), 1);
		if (poll(&(struct pollfd){ .fd = out[0], .events = POLLIN }, 1, 0) == 0)
			turn(1);
	}
	assert_true(chardev_try_write(c, block, 1) == 1);
	close(out[0]);
	destroy_it();
}

static void *write_much(void *arg)
{
	struct chardev *c = arg;
	char line[32];

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(line, sizeof(line), "line %u\n", i);
		chardev_puts(c, line);
	}
	return NULL;
}

static void slow_reader_gets_all(void **state)
{
	struct chardev *c;
	pthread_t writer;
	char line[32];
	int out[2];
	FILE *f;

	assert_int_equal(pipe(out), 0);
	fcntl(out[1], F_SETPIPE_SZ, 4096);
	use_stdout(out[1]);
	c = open_stdio();
	assert_int_equal(loop_start_thread(test_vm.vm.loop), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_much, c), 0);
	f = fdopen(out[0], "r");
	for (unsigned i = 0; i < 20000; i++) {
		char want[32];

		if (i % 5000 == 0)
			usleep(3000);
		snprintf(want, sizeof(want), "line %u\n", i);
		assert_non_null(fgets(line, sizeof(line), f));
		assert_string_equal(line, want);
	}
	pthread_join(writer, NULL);
	loop_stop_thread(test_vm.vm.loop);
	destroy_it();
	fclose(f);
}

/* A vCPU that waits for a stuck reader must come back when it is to be parked, and when all ends. */
static void stuck_writer_is_released(void **state)
{
	for (int ending = 0; ending < 2; ending++) {
		struct chardev *c;
		pthread_t writer;
		int out[2];

		assert_int_equal(pipe(out), 0);
		fcntl(out[1], F_SETPIPE_SZ, 4096);
		use_stdout(out[1]);
		c = open_stdio();
		assert_int_equal(loop_start_thread(test_vm.vm.loop), 0);
		assert_int_equal(pthread_create(&writer, NULL, write_much, c), 0);
		usleep(20000);
		if (ending)
			test_vm.vm.end = VM_REQUEST_SIGNAL;
		else
			test_vm.parking = true;
		pthread_join(writer, NULL);
		loop_stop_thread(test_vm.vm.loop);
		test_vm.parking = false;
		close(out[0]);
		destroy_it();
	}
}

static void panic_is_known_at_once(void **state)
{
	struct chardev *c;

	use_stdout(open("/dev/null", O_WRONLY));
	c = open_stdio();
	for (const char *p = "\n[    1.0] Kernel panic - not syncing"; *p; p++) {
		assert_int_equal(test_vm.vm.last_words.last, LAST_WORDS_NONE);
		chardev_write(c, (const u8 *)p, 1);
	}
	assert_int_equal(test_vm.vm.last_words.last, LAST_WORDS_PANIC);
	chardev_puts(c, ": x\n[    2.0] reboot: Restarting system\n");
	assert_int_equal(test_vm.vm.last_words.last, LAST_WORDS_RESTART);
	destroy_it();
}

/* ---- null ---- */

static void null_is_nothing(void **state)
{
	chardev_set_client(NULL, &front_client);
	chardev_puts(NULL, "x");
	chardev_room_again(NULL);
	assert_true(TAILQ_EMPTY(&test_vm.vm.devices));
	assert_int_equal(front.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: its children must be the first to take the fatal signals. */
		T(pipe_is_read_only_as_room_allows),
		T(pipe_gives_all_before_its_end),
		T(file_is_read),
		T(dev_null_and_closed),
		T(socket_is_read_and_written),
		T(output_comes_soon_and_in_order),
		T(closed_reader_is_noticed),
		T(closed_reader_of_a_silent_guest),
		T(reader_that_is_stuck_goes),
		T(reader_may_go),
		T(unused_output_has_no_reader),
		T(full_disk_is_told_once),
		T(stuck_reader_blocks_nothing_here),
		T(slow_reader_gets_all),
		T(stuck_writer_is_released),
		T(panic_is_known_at_once),
		T(null_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
