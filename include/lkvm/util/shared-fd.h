/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One of the three standard descriptors, used without ever blocking. They are shared with whoever started
 * us, so O_NONBLOCK on them would change their descriptors too.
 */
#ifndef LKVM_UTIL_SHARED_FD_H
#define LKVM_UTIL_SHARED_FD_H

#include "lkvm/util/types.h"

enum shared_fd_access {
	SHARED_FD_PLAIN,     /* read(2) and write(2) do not block */
	SHARED_FD_SOCKET,    /* MSG_DONTWAIT */
	SHARED_FD_ASK_FIRST, /* poll(2) first, then small pieces */
};

struct shared_fd {
	int fd;	     /* for poll(2) and ioctl(2) too; -1: the descriptor is closed */
	bool opened; /* ours, not the standard descriptor itself */
	bool tty;
	enum shared_fd_access access;
};

/* mode: O_RDONLY or O_WRONLY. Always succeeds. */
void shared_fd_init(struct shared_fd *shared, int fd, int mode);
void shared_fd_exit(struct shared_fd *shared);

/* Any thread. Bytes, 0 at the end, -EAGAIN when it would block, or -errno. */
ssize_t shared_fd_read(const struct shared_fd *shared, void *data, size_t len);
/* Any thread. Bytes, -EAGAIN when it would block, or -errno. No SIGPIPE where SIGPIPE is ignored or it is a socket. */
ssize_t shared_fd_write(const struct shared_fd *shared, const void *data, size_t len);

#endif
