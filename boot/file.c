// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lkvm/boot/file.h"
#include "lkvm/util/log.h"

#define COPY_CHUNK KIB(64)

/* "kernel" and its word order are what scripts for this command line look for. */
static int file_refuse(const char *what, const char *path, const char *reason, int err)
{
	log_fatal("Unable to open %s %s: %s", what, path, reason);
	return err;
}

static int file_failed(const char *what, const char *path)
{
	int err = -errno;

	return file_refuse(what, path, strerror(errno), err);
}

static bool is_stdin(const struct stat *st)
{
	struct stat in;

	return !fstat(STDIN_FILENO, &in) && in.st_dev == st->st_dev && in.st_ino == st->st_ino;
}

/* What the file was read from must not be typed to the guest as well. */
static void give_stdin_up(const struct stat *st)
{
	int nothing;

	if (!is_stdin(st))
		return;
	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (nothing < 0)
		return;
	dup2(nothing, STDIN_FILENO);
	close(nothing);
}

/* NONBLOCK: a FIFO is not waited for where no signal could end that, see read_some(). */
static int open_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	/* A socket has no name to open it by, but it may be what we were started with. */
	if (fd < 0 && errno == ENXIO && !stat(path, &st) && S_ISSOCK(st.st_mode) && is_stdin(&st))
		return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return fd;
}

/* Waits, also for a FIFO's first writer, before whom read() would tell its end. */
static ssize_t read_some(int fd, void *buffer, size_t size)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };
	ssize_t got;

	do {
		poll(&input, 1, -1);
		got = read(fd, buffer, size);
	} while (got < 0 && (errno == EINTR || errno == EAGAIN));
	return got;
}

static int write_all(int fd, const u8 *bytes, size_t size)
{
	while (size) {
		ssize_t put = write(fd, bytes, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		bytes += put;
		size -= put;
	}
	return 0;
}

/* 0 or -errno; -EFBIG: there is more than `most`. *size is how many there were. */
static int copy_all(int from, int to, u64 most, u64 *size)
{
	u8 *buffer = malloc(COPY_CHUNK);
	int err = buffer ? 0 : -ENOMEM;

	*size = 0;
	while (!err) {
		ssize_t got = read_some(from, buffer, COPY_CHUNK);

		if (got < 0)
			err = -errno;
		if (got <= 0)
			break;
		*size += got;
		err = *size > most ? -EFBIG : write_all(to, buffer, got);
	}
	free(buffer);
	return err;
}

/* A pipe gives its bytes once, a reboot wants them again. */
static int take_copy(struct boot_file *file, const char *what, u64 most)
{
	int copy = memfd_create("lkvm-boot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char reason[96];
	int err;

	if (copy < 0)
		return file_failed(what, file->path);
	err = copy_all(file->fd, copy, most, &file->size);
	close(file->fd);
	file->fd = copy;
	file->copy = true;
	if (err == -EFBIG) {
		snprintf(reason, sizeof(reason), "more than %llu MiB came out of it",
			 (unsigned long long)most >> 20);
		return file_refuse(what, file->path, reason, err);
	}
	if (err)
		return file_refuse(what, file->path, strerror(-err), err);
	if (!file->size)
		return file_refuse(what, file->path, "nothing came out of it", -ENODATA);
	if (fcntl(copy, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return file_failed(what, file->path);
	return 0;
}

static int take_file(struct boot_file *file, const char *what, u64 most)
{
	const char *path = file->path;
	struct stat st;
	int err = 0;

	if (fstat(file->fd, &st))
		return file_failed(what, path);
	if (S_ISDIR(st.st_mode))
		return file_refuse(what, path, "it is a directory", -EISDIR);
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
		err = take_copy(file, what, most);
	else if (!S_ISREG(st.st_mode))
		return file_refuse(what, path, "it is neither a regular file nor a pipe", -EINVAL);
	else if (!st.st_size)
		return file_refuse(what, path, "it is empty", -ENODATA);
	else
		file->size = st.st_size;
	if (!err)
		give_stdin_up(&st);
	return err;
}

int boot_file_open(struct boot_file *file, const char *what, const char *path, u64 most)
{
	int err;

	memset(file, 0, sizeof(*file));
	file->path = path;
	file->fd = open_path(path);
	if (file->fd < 0)
		return file_failed(what, path);
	err = take_file(file, what, most);
	if (!err)
		return 0;
	close(file->fd);
	file->fd = -1;
	return err;
}

void boot_file_drop_copy(struct boot_file *file)
{
	if (!file->copy || file->fd < 0)
		return;
	close(file->fd);
	file->fd = -1;
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
