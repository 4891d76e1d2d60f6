// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lkvm/util/log.h"
#include "lkvm/util/pass-fd.h"
#include "spawner.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

/* What the spawner may take for a fork, and a helper that was killed until it has ended. */
#define START_MS 1000
#define END_MS	 200

static int spawner_fd = -1;
static pid_t spawner;

int helpers_begin(void)
{
	pid_t self = getpid(), pid;
	int ends[2], err;

	/* The process that started lkvm may ignore it: then nobody would hear of a helper's end. */
	signal(SIGCHLD, SIG_DFL);
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
	if (spawner_fd < 0)
		return;
	close(spawner_fd);
	spawner_fd = -1;
	kill(spawner, SIGKILL);
	waitpid(spawner, NULL, 0);
}

void helper_init(struct helper *helper)
{
	*helper = (struct helper){ .fd = -1, .messages = -1, .life = -1 };
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
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

static bool wait_for(int fd, int ms)
{
	struct pollfd one = { fd, POLLIN, 0 };
	int got;

	do {
		got = poll(&one, 1, ms);
	} while (got < 0 && errno == EINTR);
	return got > 0;
}

/* Its PID, as the spawner or the helper itself tells it, which is still ours then. */
static int read_pid(struct helper *helper)
{
	int pid;

	wait_for(helper->fd, START_MS);
	if (recv(helper->fd, &pid, sizeof(pid), 0) != sizeof(pid))
		return -ECHILD;
	if (pid < 0)
		return pid;
	helper->pid = pid;
	helper->life = syscall(SYS_pidfd_open, pid, 0);
	return helper->life < 0 ? -errno : 0;
}

int helper_start(struct helper *helper, const struct helper_kind *kind)
{
	int data[2] = { -1, -1 }, messages[2] = { -1, -1 };
	int buffer = 256 << 10, err = 0;

	helper_init(helper);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, data) ||
	    pipe2(messages, O_CLOEXEC | O_NONBLOCK))
		err = -errno;
	helper->fd = data[0];
	helper->messages = messages[0];
	if (!err) {
		for (unsigned i = 0; i < 2; i++)
			setsockopt(data[i], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
		refuse_descriptors(data[0]);
		err = pass_fds(spawner_fd, &kind, sizeof(kind),
			       (int[]){ data[1], kind->program ? STDERR_FILENO : messages[1] },
			       SPAWN_FDS);
	}
	close_fd(&data[1]);
	close_fd(&messages[1]);
	if (kind->program)
		helper_mute(helper);
	if (!err)
		err = read_pid(helper);
	if (err)
		helper_end(helper, 0);
	return err;
}

void helper_kill(struct helper *helper)
{
	if (helper->pid)
		kill(helper->pid, SIGKILL);
}

void helper_mute(struct helper *helper)
{
	close_fd(&helper->messages);
}

int helper_status(struct helper *helper)
{
	int status = 0;

	if (waitpid(helper->pid, &status, WNOHANG) == helper->pid)
		helper->pid = 0;
	return status;
}

void helper_words(int status, char *words, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(words, size, "was ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == HELPER_EXIT_MEMORY)
		snprintf(words, size, "needed more memory than it may have");
	else
		snprintf(words, size, "ended with status %d", WEXITSTATUS(status));
}

bool helper_wait(struct helper *helper, int ms)
{
	return wait_for(helper->life, ms);
}

void helper_end(struct helper *helper, int ms)
{
	if (helper->pid && ms) {
		shutdown(helper->fd, SHUT_WR);
		helper_wait(helper, ms);
	}
	close_fd(&helper->fd);
	close_fd(&helper->messages);
	if (helper->pid) {
		/* Whoever inherits it may not reap what it did not start. */
		helper_kill(helper);
		helper_wait(helper, END_MS);
		helper_status(helper);
	}
	close_fd(&helper->life);
}
