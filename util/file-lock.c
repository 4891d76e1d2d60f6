// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Open-file-description locks are used because they live as long as the descriptor (a killed lkvm leaves
 * none behind), conflict inside one process too, and are what other monitors look at. They do not tell
 * who holds them; /proc does, by the lock lines in fdinfo, and that is asked only after a conflict.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lkvm/file_lock.h"

static bool same_file(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode))
		return S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Does this descriptor of the process itself hold a lock? */
static bool has_lock(pid_t pid, const char *fd_name)
{
	char path[64], line[256];
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.10s", pid, fd_name);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, "lock:", 5) && strstr(line, "OFDLCK");
	fclose(file);
	return found;
}

static bool process_holds(pid_t pid, const struct stat *st, bool need_lock)
{
	char path[64];
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	DIR *dir = opendir(path);
	if (!dir)
		return false;
	for (struct dirent *e; !found && (e = readdir(dir));) {
		struct stat other;

		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		if (fstatat(dirfd(dir), e->d_name, &other, 0) || !same_file(st, &other))
			continue;
		found = !need_lock || has_lock(pid, e->d_name);
	}
	closedir(dir);
	return found;
}

bool file_find_holder(const struct stat *st, bool locked, struct file_holder *holder)
{
	DIR *proc = opendir("/proc");
	bool found = false;

	if (!proc)
		return false;
	for (struct dirent *e; !found && (e = readdir(proc));) {
		holder->pid = atoi(e->d_name);
		found = holder->pid > 0 && process_holds(holder->pid, st, locked);
	}
	closedir(proc);
	if (!found)
		return false;

	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/comm", holder->pid);
	snprintf(holder->name, sizeof(holder->name), "a process");
	FILE *file = fopen(path, "re");
	if (file) {
		if (fgets(holder->name, sizeof(holder->name), file))
			holder->name[strcspn(holder->name, "\n")] = 0;
		fclose(file);
	}
	return true;
}

int file_lock(int fd, bool writing)
{
	struct flock lock = { .l_type = writing ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

void file_holder_text(const struct file_holder *holder, char *text, size_t size)
{
	const char *name = strncmp(holder->name, "lkvm", 4) ? holder->name : "another lkvm";

	snprintf(text, size, "%s (PID %d)", name, holder->pid);
}
