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

#include "lkvm/config/config.h"
#include "lkvm/control/folder.h"
#include "others.h"

#define LOCK_TRIES 100 /* of 10 ms */

/* What it is set to; NULL: to nothing. */
static const char *from_environment(const char *variable)
{
	const char *value = secure_getenv(variable);

	return value && *value ? value : NULL;
}

const char *control_chosen_folder(void)
{
	return from_environment("LKVM_RUNTIME_DIR");
}

const char *control_bad_folder(void)
{
	const char *chosen = control_chosen_folder();

	return chosen && *chosen != '/' ? chosen : NULL;
}

bool control_folder_path(unsigned n, char path[PATH_MAX])
{
	const char *chosen = control_chosen_folder(), *base;
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
	int err;

	if (make && mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	folder->owner = geteuid();
	folder->foreign = false;
	folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder->fd < 0)
		return -errno;
	err = check_owner(folder->fd);
	/* A file system may be read-only. */
	if (!err && make && faccessat(folder->fd, ".", W_OK | X_OK, 0))
		err = -errno;
	if (err) {
		control_folder_close(folder);
		return err;
	}
	snprintf(folder->path, sizeof(folder->path), "%s", path);
	return 0;
}

/* What is wrong with it and what to do about it; false: nothing is. */
static bool folder_explain(const char *path, const struct stat *st, char *text, size_t size)
{
	bool chosen = control_chosen_folder();
	char user[CONTROL_MAX_USER + 1];

	control_user_name(st->st_uid, user);
	if (st->st_uid != geteuid())
		snprintf(text, size,
			 "%s belongs to user %s; %sset LKVM_RUNTIME_DIR to a folder of your own",
			 path, user, chosen ? "" : "have root remove it, or ");
	else if (!S_ISDIR(st->st_mode))
		snprintf(text, size, "%s is no folder; %s", path,
			 chosen ? "set LKVM_RUNTIME_DIR to one" : "remove it");
	else if (!(st->st_mode & (S_IWGRP | S_IWOTH)))
		return false;
	else if (chosen)
		/* Whatever it was made for may need it as it is: /tmp, say. */
		snprintf(
			text, size,
			"others may write to %s; set LKVM_RUNTIME_DIR to a folder that only you may write to",
			path);
	else
		snprintf(text, size, "others may write to %s; 'chmod go-w %s' makes it yours alone",
			 path, path);
	return true;
}

bool control_folder_trouble(char *text, size_t size)
{
	char path[PATH_MAX];
	struct stat st;

	for (unsigned i = 0; control_folder_path(i, path); i++) {
		struct control_folder folder;
		int err = control_folder_open(&folder, path, false);

		if (!err)
			control_folder_close(&folder);
		if (!err || lstat(path, &st))
			continue;
		/* After sudo it may be the other user's, whose guests root sees anyway. */
		if (geteuid() == 0 && st.st_uid != 0 && !control_chosen_folder() &&
		    strncmp(path, "/tmp/", 5))
			continue;
		if (folder_explain(path, &st, text, size))
			return true;
	}
	return false;
}

void control_folder_close(struct control_folder *folder)
{
	close(folder->fd);
	folder->fd = -1;
}

int control_folder_lock(struct control_folder *folder)
{
	/* A process that was stopped while holding the lock must not keep guests from starting. */
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

/* The file's name in the folder. */
struct socket_name {
	char file[CONFIG_MAX_NAME + sizeof(CONTROL_SUFFIX)];
};

static struct socket_name socket_name(const char *name)
{
	struct socket_name socket;

	snprintf(socket.file, sizeof(socket.file), "%s" CONTROL_SUFFIX, name);
	return socket;
}

ino_t control_folder_inode(const struct control_folder *folder, const char *name)
{
	struct stat st;

	return fstatat(folder->fd, socket_name(name).file, &st, AT_SYMLINK_NOFOLLOW) ? 0
										     : st.st_ino;
}

int control_folder_remove(const struct control_folder *folder, const char *name)
{
	return unlinkat(folder->fd, socket_name(name).file, 0) ? -errno : 0;
}

static int connect_to(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* connect() follows links, and a user could have one lead to root's own sockets: the file itself is held. */
static int connect_foreign(const struct control_folder *folder, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	int fd, ret;

	fd = openat(folder->fd, socket_name(name).file, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", fd);
	if (fstat(fd, &st) || !S_ISSOCK(st.st_mode) || st.st_uid != folder->owner)
		ret = -ENOENT;
	else
		ret = connect_to(&address);
	close(fd);
	return ret;
}

int control_folder_connect(const struct control_folder *folder, const char *name)
{
	struct sockaddr_un address;
	int err;

	if (folder->foreign)
		return connect_foreign(folder, name);
	err = control_folder_address(folder, name, &address);
	return err ? err : connect_to(&address);
}

int control_folder_remove_stale(struct control_folder *folder, const char *name)
{
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
	/* Connecting to any other file is refused with the same words. */
	if (fstatat(folder->fd, socket_name(name).file, &st, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	return control_folder_remove(folder, name);
}
