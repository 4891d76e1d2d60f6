// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "lkvm/control.h"

#define LOCK_TRIES 100 /* of 10 ms */

bool control_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > CONTROL_MAX_NAME || *name == '.')
		return false;
	for (; *name; name++)
		if ((u8)*name <= ' ' || *name == 0x7f || *name == '/')
			return false;
	return true;
}

/* What it is set to; NULL: to nothing. */
static const char *from_environment(const char *variable)
{
	const char *value = secure_getenv(variable);

	return value && *value ? value : NULL;
}

const char *control_bad_folder(void)
{
	const char *chosen = from_environment("LKVM_RUNTIME_DIR");

	return chosen && *chosen != '/' ? chosen : NULL;
}

bool control_folder_path(unsigned n, char path[PATH_MAX])
{
	const char *chosen = from_environment("LKVM_RUNTIME_DIR"), *base;
	int len;

	/* Guests elsewhere are not those that were meant. */
	if (control_bad_folder())
		return false;
	if (chosen) {
		len = n ? 0 : snprintf(path, PATH_MAX, "%s", chosen);
		return len > 0 && len < PATH_MAX;
	}
	if (geteuid() == 0 && n-- == 0) {
		strcpy(path, "/run/lkvm");
		return true;
	}
	base = from_environment("XDG_RUNTIME_DIR");
	/* The XDG base directory specification: one that is relative is to be ignored. */
	if (base && *base == '/' && strlen(base) < PATH_MAX - sizeof("/lkvm") && n-- == 0) {
		sprintf(path, "%s/lkvm", base);
		return true;
	}
	if (n)
		return false;
	sprintf(path, "/tmp/lkvm-%u", (unsigned)geteuid());
	return true;
}

/* /tmp is everybody's: what is found there need not be what we once made. */
static int check_owner(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	return st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH)) ? 0 : -EPERM;
}

int control_folder_open(struct control_folder *folder, const char *path, bool make)
{
	int error;

	if (make && mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder->fd < 0)
		return -errno;
	error = check_owner(folder->fd);
	/* A file system may be read-only. */
	if (!error && make && faccessat(folder->fd, ".", W_OK | X_OK, 0))
		error = -errno;
	if (error) {
		control_folder_close(folder);
		return error;
	}
	snprintf(folder->path, sizeof(folder->path), "%s", path);
	return 0;
}

void control_folder_close(struct control_folder *folder)
{
	close(folder->fd);
	folder->fd = -1;
}

int control_folder_lock(struct control_folder *folder)
{
	/* Somebody who was stopped while he had it must not keep guests from starting. */
	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		if (!flock(folder->fd, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		usleep(10000);
	}
	return -EBUSY;
}

void control_folder_unlock(struct control_folder *folder)
{
	flock(folder->fd, LOCK_UN);
}

int control_folder_address(const struct control_folder *folder, const char *name,
			   struct sockaddr_un *address)
{
	size_t size = sizeof(address->sun_path);
	int len;

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	len = snprintf(address->sun_path, size, "%s/%s" CONTROL_SUFFIX, folder->path, name);
	if (len >= 0 && (size_t)len < size)
		return 0;
	len = snprintf(address->sun_path, size, "/proc/self/fd/%d/%s" CONTROL_SUFFIX, folder->fd,
		       name);
	return len >= 0 && (size_t)len < size ? 0 : -ENAMETOOLONG;
}

int control_folder_connect(const struct control_folder *folder, const char *name)
{
	struct sockaddr_un address;
	int error = control_folder_address(folder, name, &address), fd;

	if (error)
		return error;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

int control_folder_remove_stale(struct control_folder *folder, const char *name)
{
	char file[CONTROL_MAX_NAME + sizeof(CONTROL_SUFFIX)];
	int fd = control_folder_connect(folder, name);
	struct stat st;

	if (fd >= 0)
		close(fd);
	if (fd >= 0 || fd == -EAGAIN)
		return -EEXIST;
	if (fd == -ENOENT)
		return 0;
	if (fd != -ECONNREFUSED)
		return fd;
	snprintf(file, sizeof(file), "%s" CONTROL_SUFFIX, name);
	/* Connecting to any other file is refused with the same words. */
	if (fstatat(folder->fd, file, &st, AT_SYMLINK_NOFOLLOW) || !S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	return unlinkat(folder->fd, file, 0) ? -errno : 0;
}
