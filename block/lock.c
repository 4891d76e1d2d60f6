// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One writer or many readers of an image. Open-file-description locks are used because they live as
 * long as the descriptor (a killed lkvm leaves none behind), conflict inside one process too, and are
 * what other monitors look at. They do not tell who holds them; /proc does, by the lock lines in
 * fdinfo, and that is asked only after a conflict.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "disk.h"

struct holder {
	pid_t pid;
	char name[32];
};

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

static bool find_holder(const struct stat *st, bool need_lock, struct holder *holder)
{
	DIR *proc = opendir("/proc");
	bool found = false;

	if (!proc)
		return false;
	for (struct dirent *e; !found && (e = readdir(proc));) {
		holder->pid = atoi(e->d_name);
		found = holder->pid > 0 && process_holds(holder->pid, st, need_lock);
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

static void say_holder(const char *path, const struct holder *holder, bool writing)
{
	const char *hint = writing ? "" : ", for writing";

	if (holder->pid == getpid())
		log_error("--disk %s: given twice; that works only if every one has ,ro", path);
	else if (!strncmp(holder->name, "lkvm", 4))
		log_error("--disk %s: in use by another lkvm (PID %d)%s", path, holder->pid, hint);
	else
		log_error("--disk %s: in use by %s (PID %d)%s", path, holder->name, holder->pid,
			  hint);
}

int disk_lock(int fd, const char *path, bool writing)
{
	struct flock lock = { .l_type = writing ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
	struct holder holder;
	struct stat st;

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	if (errno != EAGAIN && errno != EACCES) {
		/* Some network file systems: better unprotected than useless. */
		log_warning("--disk %s: cannot be locked (%s): take care that nobody else uses it",
			    path, strerror(errno));
		return 0;
	}
	if (!fstat(fd, &st) && find_holder(&st, true, &holder))
		say_holder(path, &holder, writing);
	else
		log_error("--disk %s: in use by another process%s", path,
			  writing ? "" : ", for writing");
	return -EBUSY;
}

/* Copies where the device is mounted, if it is; mountinfo writes a space as \040, good enough. */
static bool find_mount(dev_t dev, char *where, size_t size)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[1024], point[256];
	unsigned maj, min;
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*d %*d %u:%u %*s %255s", &maj, &min, point) != 3)
			continue;
		found = maj == major(dev) && min == minor(dev);
	}
	fclose(file);
	if (found)
		snprintf(where, size, "%s", point);
	return found;
}

void disk_say_busy(const char *path, const struct stat *st)
{
	struct holder holder;
	char where[256];

	if (find_mount(st->st_rdev, where, sizeof(where)))
		log_error("--disk %s: mounted on %s; unmount it, or add ,ro", path, where);
	else if (find_holder(st, false, &holder))
		say_holder(path, &holder, true);
	else
		log_error("--disk %s: in use by this system (a mounted partition, RAID, LVM or "
			  "swap?); release it, or add ,ro",
			  path);
}
