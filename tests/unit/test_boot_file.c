// SPDX-License-Identifier: GPL-2.0-or-later
/* Kernels and initrds that come out of a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kernel_file.h"
#include "lkvm/boot/file.h"
#include "test.h"

#define SIZE (3 * KIB(64) + 5) /* more than a pipe holds at once */

static u8 bytes[SIZE];
static char path[64];

static int setup(void **state)
{
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = i * 7 + i / 251;
	return 0;
}

/* Writes everything and closes; to `fd`, or to whatever `path` is. */
static void *writer(void *arg)
{
	int fd = arg ? *(int *)arg : open(path, O_WRONLY);

	for (size_t done = 0; done < SIZE;) {
		ssize_t put = write(fd, bytes + done, SIZE - done);

		if (put < 0)
			break;
		done += put;
	}
	close(fd);
	return NULL;
}

/* Opens `path` while somebody writes. */
static int open_while_written(struct boot_file *file, int *fd, u64 most)
{
	pthread_t thread;
	int error;

	assert_int_equal(pthread_create(&thread, NULL, writer, fd), 0);
	error = boot_file_open(file, "initrd", path, most);
	/* A reader that gave up must not keep the writer waiting. */
	if (error && fd)
		while (read(fd[-1], bytes, sizeof(bytes)) > 0)
			;
	pthread_join(thread, NULL);
	return error;
}

static void check_bytes(const struct boot_file *file)
{
	static u8 got[SIZE + 1];

	/* Twice, as for a reboot. */
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(file->size, SIZE);
		assert_int_equal(boot_file_read(file, 0, got, sizeof(got)), SIZE);
		assert_memory_equal(got, bytes, SIZE);
	}
	assert_true(file->copy);
	assert_int_equal(pwrite(file->fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
}

/* ends[0] is read by its name. */
static void name_it(int fd)
{
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
}

static void from_a_pipe(void **state)
{
	struct boot_file file;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	name_it(ends[0]);
	assert_int_equal(open_while_written(&file, &ends[1], SIZE), 0);
	check_bytes(&file);
	boot_file_drop_copy(&file);
	assert_int_equal(file.fd, -1);
	boot_file_close(&file);
	close(ends[0]);
}

static void from_a_fifo(void **state)
{
	char dir[] = "/tmp/lkvm-test-XXXXXX";
	struct boot_file file;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	/* Whoever comes first waits for the other. */
	assert_int_equal(open_while_written(&file, NULL, GIB(1)), 0);
	check_bytes(&file);
	boot_file_close(&file);
	unlink(path);
	rmdir(dir);
}

/* stdin, of any kind, is the file's alone. */
static void from_stdin(int fd, int *write_end)
{
	int old = dup(STDIN_FILENO);
	struct boot_file file;
	u8 byte;

	dup2(fd, STDIN_FILENO);
	close(fd);
	strcpy(path, "/dev/stdin");
	if (write_end)
		assert_int_equal(open_while_written(&file, write_end, SIZE), 0);
	else
		assert_int_equal(boot_file_open(&file, "initrd", path, 0), 0);
	assert_int_equal(file.size, SIZE);
	assert_int_equal(boot_file_read(&file, SIZE - 1, &byte, 1), 1);
	assert_int_equal(byte, bytes[SIZE - 1]);
	assert_int_equal(read(STDIN_FILENO, &byte, 1), 0);
	dup2(old, STDIN_FILENO);
	close(old);
	boot_file_close(&file);
}

static void stdin_is_a_pipe(void **state)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	from_stdin(ends[0], &ends[1]);
}

static void stdin_is_a_socket(void **state)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	from_stdin(ends[0], &ends[1]);
}

static void stdin_is_a_file(void **state)
{
	from_stdin(memory_file(bytes, SIZE).fd, NULL);
}

static void refused(int error, const char *words)
{
	struct boot_file file;
	struct ear ear = listen_to_stderr();
	int got = boot_file_open(&file, "initrd", path, MIB(1));
	const char *said = heard(&ear);

	assert_int_equal(got, error);
	if (!strstr(said, words))
		fail_msg("'%s' is not in '%s'", words, said);
	assert_int_equal(file.fd, -1);
}

static void nothing_in_it(void **state)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	close(ends[1]);
	name_it(ends[0]);
	refused(-ENODATA, "Unable to open initrd /proc/self/fd/");
	refused(-ENODATA, "nothing came out of it");
	close(ends[0]);
}

static void too_much_in_it(void **state)
{
	struct boot_file file;
	struct ear ear;
	int ends[2], error;

	assert_int_equal(pipe(ends), 0);
	name_it(ends[0]);
	ear = listen_to_stderr();
	error = open_while_written(&file, &ends[1], SIZE - 1);
	assert_non_null(strstr(heard(&ear), "more than 0 MiB came out of it"));
	assert_int_equal(error, -EFBIG);
	close(ends[0]);
	setup(state);
}

static void no_pipe(void **state)
{
	strcpy(path, "/dev/zero");
	refused(-EINVAL, "neither a regular file nor a pipe");
	strcpy(path, "/");
	refused(-EISDIR, "it is a directory");
}

/* A FIFO that nobody writes to is waited for until a signal comes. */
static void waits_for_a_writer(void **state)
{
	char dir[] = "/tmp/lkvm-test-XXXXXX";
	struct boot_file file;
	int status, fd;
	pid_t pid;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	pid = fork();
	if (!pid) {
		alarm(10);
		_exit(boot_file_open(&file, "initrd", path, GIB(1)) ? 1 : 2);
	}
	/* It is a reader now: from here on it would see an end of file if it did not wait for a writer. */
	while ((fd = open(path, O_WRONLY | O_NONBLOCK)) < 0 && !waitpid(pid, &status, WNOHANG))
		sched_yield();
	kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	close(fd);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(from_a_pipe, setup), cmocka_unit_test(from_a_fifo),
		cmocka_unit_test(stdin_is_a_pipe),	    cmocka_unit_test(stdin_is_a_socket),
		cmocka_unit_test(stdin_is_a_file),	    cmocka_unit_test(nothing_in_it),
		cmocka_unit_test(too_much_in_it),	    cmocka_unit_test(no_pipe),
		cmocka_unit_test(waits_for_a_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
