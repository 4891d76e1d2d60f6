// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "spawner.h"
#include "lkvm/util/log.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

/* What the spawner may take to end with all helpers. */
#define END_MS 200

static int spawner_fd = -1;
static pid_t spawner;

int helpers_begin(void)
{
	pid_t self = getpid(), pid;
	int ends[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
		err = -errno;
		goto fail;
	}
	pid = fork();
	err = -errno;
	if (!pid) {
		close(ends[0]);
		spawner_main(ends[1], self);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		goto fail;
	}
	spawner_fd = ends[0];
	spawner = pid;
	return 0;

fail:
	log_fatal("Unable to start the process that starts helpers: %s", strerror(-err));
	return err;
}

void helpers_end(void)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	if (spawner_fd < 0)
		return;
	close(spawner_fd);
	spawner_fd = -1;
	for (unsigned i = 0; i < END_MS && !waitpid(spawner, NULL, WNOHANG); i++)
		nanosleep(&ms, NULL);
}

void helper_init(struct helper *helper)
{
	helper->fd = helper->messages = helper->life = -1;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int ask_spawner(const struct helper_kind *kind, const int fds[SPAWN_FDS])
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(SPAWN_FDS * sizeof(int))];
	} control = {};
	struct iovec iov = { &kind, sizeof(kind) };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.space) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(SPAWN_FDS * sizeof(int));
	memcpy(CMSG_DATA(header), fds, SPAWN_FDS * sizeof(int));
	return sendmsg(spawner_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/*
 * We take no passed descriptors, but the kernel would close them on the thread that reads, which takes as
 * long as their maker wants. Older kernels cannot refuse them.
 */
static void refuse_descriptors(int fd)
{
	int off = 0;

	setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
}

int helper_start(struct helper *helper, const struct helper_kind *kind)
{
	int data[2] = { -1, -1 }, messages[2] = { -1, -1 }, life[2] = { -1, -1 };
	int buffer = 256 << 10, err = 0;

	helper_init(helper);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, data) ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, life) ||
	    pipe2(messages, O_CLOEXEC | O_NONBLOCK))
		err = -errno;
	if (!err) {
		for (unsigned i = 0; i < 2; i++)
			setsockopt(data[i], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
		refuse_descriptors(data[0]);
		err = ask_spawner(kind,
				  (int[]){ data[1], kind->program ? STDERR_FILENO : messages[1],
					   life[1] });
	}
	helper->fd = data[0];
	helper->messages = messages[0];
	if (kind->program)
		helper_mute(helper);
	helper->life = life[0];
	close_fd(&data[1]);
	close_fd(&messages[1]);
	close_fd(&life[1]);
	if (err)
		helper_end(helper, 0);
	return err;
}

void helper_kill(struct helper *helper)
{
	/* What a program ends by; helpers end with `life` itself. */
	send(helper->life, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(helper->life, SHUT_WR);
}

void helper_mute(struct helper *helper)
{
	close_fd(&helper->messages);
}

int helper_status(struct helper *helper)
{
	int status;
	ssize_t got = recv(helper->life, &status, sizeof(status), 0);

	/* The spawner closed its end before it read what helper_kill() sent: the status is behind that error. */
	if (got < 0 && errno == ECONNRESET)
		got = recv(helper->life, &status, sizeof(status), 0);
	return got == sizeof(status) ? status : -ECHILD;
}

void helper_words(int status, char *words, size_t size)
{
	if (status == -ECHILD)
		snprintf(words, size, "is gone with the process that starts helpers");
	else if (status < 0)
		snprintf(words, size, "could not be started: %s", strerror(-status));
	else if (WIFSIGNALED(status))
		snprintf(words, size, "was ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == HELPER_EXIT_MEMORY)
		snprintf(words, size, "needed more memory than it may have");
	else
		snprintf(words, size, "ended with status %d", WEXITSTATUS(status));
}

void helper_how(struct helper *helper, char *words, size_t size)
{
	helper_words(helper_status(helper), words, size);
}

void helper_end(struct helper *helper, int ms)
{
	struct pollfd life = { .fd = helper->life, .events = POLLIN };

	if (helper->fd >= 0 && ms) {
		shutdown(helper->fd, SHUT_WR);
		poll(&life, 1, ms);
	}
	close_fd(&helper->fd);
	close_fd(&helper->messages);
	close_fd(&helper->life);
}
