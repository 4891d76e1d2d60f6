/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files made in memory for the boot tests, and hearing what is said of them. */
#ifndef KERNEL_FILE_H
#define KERNEL_FILE_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lkvm/util/types.h"

/* A file with these bytes and a path by which it can be opened until it is closed. */
struct memory_file {
	int fd;
	char path[32];
};

static inline struct memory_file memory_file(const void *bytes, size_t size)
{
	struct memory_file file = { .fd = memfd_create("kernel", MFD_CLOEXEC) };

	if (file.fd < 0 || pwrite(file.fd, bytes, size, 0) != (ssize_t)size)
		abort();
	snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
	return file;
}

/* Between these two stderr goes into the string that the second returns (static; "" for nothing). */
struct ear {
	int old, fd;
};

static inline struct ear listen_to_stderr(void)
{
	struct ear ear = { .old = dup(STDERR_FILENO), .fd = memfd_create("stderr", MFD_CLOEXEC) };

	if (ear.old < 0 || ear.fd < 0 || dup2(ear.fd, STDERR_FILENO) < 0)
		abort();
	return ear;
}

static inline const char *heard(struct ear *ear)
{
	static char text[4096];
	ssize_t got = pread(ear->fd, text, sizeof(text) - 1, 0);

	text[got > 0 ? got : 0] = '\0';
	dup2(ear->old, STDERR_FILENO);
	close(ear->old);
	close(ear->fd);
	return text;
}

#endif
