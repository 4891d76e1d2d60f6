// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lkvm/boot.h"
#include "lkvm/log.h"

/* "kernel" and its word order are what scripts for this command line look for. */
static int refuse(const char *what, const char *path, const char *reason, int error)
{
	log_fatal("Unable to open %s %s: %s", what, path, reason);
	return error;
}

int boot_file_open(struct boot_file *file, const char *what, const char *path)
{
	struct stat st;
	int error;

	memset(file, 0, sizeof(*file));
	file->path = path;
	/* NONBLOCK: a FIFO by that name must be refused, not waited for. */
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file->fd < 0) {
		error = -errno;
		return refuse(what, path, strerror(errno), error);
	}
	if (fstat(file->fd, &st)) {
		error = -errno;
		refuse(what, path, strerror(errno), error);
	} else if (S_ISDIR(st.st_mode)) {
		error = refuse(what, path, "it is a directory", -EISDIR);
	} else if (!S_ISREG(st.st_mode)) {
		error = refuse(what, path, "it is not a regular file", -EINVAL);
	} else if (!st.st_size) {
		error = refuse(what, path, "it is empty", -ENODATA);
	} else {
		file->size = st.st_size;
		return 0;
	}
	close(file->fd);
	file->fd = -1;
	return error;
}

void boot_file_close(struct boot_file *file)
{
	/* path tells a file that was opened from one that is all zero. */
	if (file->path && file->fd >= 0)
		close(file->fd);
	memset(file, 0, sizeof(*file));
	file->fd = -1;
}

ssize_t boot_file_read(const struct boot_file *file, u64 offset, void *buffer, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = pread(file->fd, (u8 *)buffer + done, size - done, offset + done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		done += got;
	}
	return done;
}
