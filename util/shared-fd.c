// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lkvm/util/shared-fd.h"

/*
 * A terminal or pipe can be opened anew through /proc; a socket has MSG_DONTWAIT; files do not block; what
 * is left is asked with poll() first and touched in small pieces.
 */
void shared_fd_init(struct shared_fd *shared, int fd, int mode)
{
	char path[32];
	struct stat st;
	int own;

	*shared = (struct shared_fd){ .fd = fd };
	if (fstat(fd, &st)) {
		shared->fd = -1;
		return;
	}
	shared->tty = isatty(fd);
	if (S_ISSOCK(st.st_mode)) {
		shared->access = SHARED_FD_SOCKET;
		return;
	}
	if (!shared->tty && !S_ISFIFO(st.st_mode))
		return;
	if (fcntl(fd, F_GETFL) & O_NONBLOCK)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0) {
		shared->access = SHARED_FD_ASK_FIRST;
		return;
	}
	shared->fd = own;
	shared->opened = true;
}

void shared_fd_exit(struct shared_fd *shared)
{
	if (shared->opened)
		close(shared->fd);
	shared->opened = false;
	shared->fd = -1;
}

static bool shared_fd_ready(const struct shared_fd *shared, short events)
{
	struct pollfd p = { .fd = shared->fd, .events = events };

	return poll(&p, 1, 0) > 0;
}

ssize_t shared_fd_read(const struct shared_fd *shared, void *data, size_t len)
{
	ssize_t n;

	if (shared->access == SHARED_FD_SOCKET)
		n = recv(shared->fd, data, len, MSG_DONTWAIT);
	else if (shared->access == SHARED_FD_ASK_FIRST && !shared_fd_ready(shared, POLLIN))
		return -EAGAIN;
	else
		n = read(shared->fd, data, len);
	return n < 0 ? -errno : n;
}

ssize_t shared_fd_write(const struct shared_fd *shared, const void *data, size_t len)
{
	ssize_t n;

	if (shared->access == SHARED_FD_ASK_FIRST) {
		if (!shared_fd_ready(shared, POLLOUT))
			return -EAGAIN;
		/* A writable pipe takes PIPE_BUF; a terminal promises little. */
		len = MIN(len, shared->tty ? (size_t)64 : (size_t)PIPE_BUF);
	}
	if (shared->access == SHARED_FD_SOCKET)
		n = send(shared->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		n = write(shared->fd, data, len);
	return n < 0 ? -errno : n;
}
