/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Helpers that are not what they were: what their side of the socket gives them. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lkvm/util/helper.h"
#include "test.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* Closing what it gives could take lkvm as long as it likes: a socket that lingers, for one. */
static int give_descriptor(int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {};
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.space) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(fd, &message, 0) >= 0)
		return 1;
	return errno == EPERM ? 2 : 3;
}

static int give_up(int fd)
{
	return HELPER_EXIT_MEMORY;
}

#define KIND(function)                                                                             \
	{                                                                                          \
		.name = "test", .main = function, .data = 1 << 20, .descriptors = 16               \
	}
static const struct helper_kind giver = KIND(give_descriptor), quitter = KIND(give_up);

static void run(const struct helper_kind *kind, char *how, size_t size)
{
	struct helper helper;
	struct pollfd life;

	assert_int_equal(helper_start(&helper, kind), 0);
	life = (struct pollfd){ .fd = helper.life, .events = POLLIN };
	assert_int_equal(poll(&life, 1, 20000), 1);
	helper_words(helper_status(&helper), how, size);
	helper_end(&helper, 0);
}

static void descriptors(void **state)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), off = 0;
	bool refused = !setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
	char how[128];

	close(fd);
	run(&giver, how, sizeof(how));
	/* Before Linux 6.16 nobody can refuse them. */
	assert_string_equal(how, refused ? "ended with status 2" : "ended with status 1");
}

static void words(void **state)
{
	char how[128];

	run(&quitter, how, sizeof(how));
	assert_string_equal(how, "needed more memory than it may have");
}

/* A program of the user's, which asks by a FIFO and answers by another one. */
static char question[] = "/tmp/lkvm-question-XXXXXX", answer[] = "/tmp/lkvm-answer-XXXXXX";

static int answer_once(int fd)
{
	char byte;
	int from, to;

	if (send(fd, "", 1, 0) != 1)
		return 1;
	from = open(question, O_RDONLY);
	if (read(from, &byte, 1) != 1)
		return 1;
	to = open(answer, O_WRONLY);
	return write(to, &byte, 1) != 1;
}

static const struct helper_kind program = { .name = "test", .main = answer_once, .program = true };

/* It begins, and then lkvm ends, with all that it has. */
static void start_and_end(void)
{
	struct helper helper;
	struct pollfd data;

	if (helpers_begin() || helper_start(&helper, &program))
		_exit(1);
	data = (struct pollfd){ .fd = helper.fd, .events = POLLIN };
	_exit(poll(&data, 1, 20000) != 1);
}

static void make_fifo(char *path)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void programs_go_on(void **state)
{
	int to, from, status;
	char byte = 'x';
	pid_t pid;

	make_fifo(question);
	make_fifo(answer);
	pid = fork();
	if (!pid)
		start_and_end();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* Waits for ever if nobody is there. */
	to = open(question, O_WRONLY);
	assert_int_equal(write(to, &byte, 1), 1);
	from = open(answer, O_RDONLY);
	byte = 0;
	assert_int_equal(read(from, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(from);
	close(to);
	unlink(question);
	unlink(answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors),
		cmocka_unit_test(words),
		cmocka_unit_test(programs_go_on),
	};
	int failed;

	assert_int_equal(helpers_begin(), 0);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	helpers_end();
	return failed;
}
