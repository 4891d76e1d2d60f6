// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Open-file-description locks are used because they live as long as the descriptor (a killed lkvm leaves
 * none behind), conflict inside one process too, and are what other monitors look at. They do not tell
 * who holds them; /proc does, by the lock lines in fdinfo, and that is asked only after a conflict. Others' may be a
 * process's (F_SETLK): those conflict with ours just the same.
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

#include "lkvm/util/file-lock.h"
#include "lkvm/util/text.h"

static bool same_file(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode))
		return S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Which descriptors of a process are looked for. */
enum wanted {
	ANY,
	LOCKED,
	/* Locked, but not by somebody who may only read the file, neither by us nor by root. */
	LOCKED_IN_EARNEST,
};

struct search {
	const struct stat *st;
	enum wanted wanted;
	int own_fd; /* is none that is looked for */
};

static FILE *open_proc(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

/* Ours, or root's? The owner of a process's folder does not tell, as it may be hidden. */
static bool is_trusted(pid_t pid)
{
	FILE *file = open_proc(pid, "status");
	unsigned real, effective = 0;
	char line[256];

	if (!file)
		return true;
	while (fgets(line, sizeof(line), file) &&
	       sscanf(line, "Uid: %u %u", &real, &effective) != 2)
		;
	fclose(file);
	return !effective || effective == geteuid();
}

/* What the descriptor of the process itself is: open for writing, and the holder of a lock? */
static bool fd_is_wanted(const struct search *search, pid_t pid, const char *fd_name)
{
	bool locked = false, writes = false;
	char name[32], line[256];
	unsigned flags;

	if (pid == getpid() && atoi(fd_name) == search->own_fd)
		return false;
	if (search->wanted == ANY)
		return true;
	snprintf(name, sizeof(name), "fdinfo/%.10s", fd_name);
	FILE *file = open_proc(pid, name);
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "flags: %o", &flags) == 1)
			writes = (flags & O_ACCMODE) != O_RDONLY;
		locked |= !strncmp(line, "lock:", 5) &&
			  (strstr(line, "OFDLCK") || strstr(line, "POSIX"));
	}
	fclose(file);
	return locked && (search->wanted == LOCKED || writes || is_trusted(pid));
}

static bool process_holds(const struct search *search, pid_t pid)
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
		if (fstatat(dirfd(dir), e->d_name, &other, 0) || !same_file(search->st, &other))
			continue;
		found = fd_is_wanted(search, pid, e->d_name);
	}
	closedir(dir);
	return found;
}

static void read_name(struct file_holder *holder)
{
	FILE *file = open_proc(holder->pid, "comm");

	snprintf(holder->name, sizeof(holder->name), "a process");
	if (!file)
		return;
	if (fgets(holder->name, sizeof(holder->name), file))
		holder->name[strcspn(holder->name, "\n")] = 0;
	/* A process gives itself any name. */
	text_clean(holder->name);
	fclose(file);
}

static bool find_holder(const struct search *search, struct file_holder *holder)
{
	DIR *proc = opendir("/proc");
	bool found = false;

	*holder = (struct file_holder){ 0 };
	if (!proc)
		return false;
	for (struct dirent *e; !found && (e = readdir(proc));) {
		pid_t pid = atoi(e->d_name);

		found = pid > 0 && process_holds(search, pid);
		if (found)
			holder->pid = pid;
	}
	closedir(proc);
	if (found)
		read_name(holder);
	return found;
}

bool file_find_holder(const struct stat *st, struct file_holder *holder)
{
	const struct search search = { .st = st, .wanted = ANY, .own_fd = -1 };

	return find_holder(&search, holder);
}

static int set_lock(int fd, int type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

/* Has nobody locked it for writing? */
static bool only_readers(int fd)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	return !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type == F_UNLCK;
}

/*
 * All processes of this user's are found in /proc unless there are others outside of this PID namespace; the first
 * one of a host has a number of its own.
 */
static bool own_processes_are_seen(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == 0xeffffffc;
}

static bool only_owner_writes(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid() && !(st->st_mode & 022);
}

/* Locked for reading first: of two that come here at the same time each shall find the other. */
static int lock_beside_readers(int fd, const struct stat *st)
{
	const struct search search = { .st = st, .wanted = LOCKED_IN_EARNEST, .own_fd = fd };
	struct file_holder holder;

	if (!only_owner_writes(st) || !own_processes_are_seen() || !only_readers(fd) ||
	    set_lock(fd, F_RDLCK))
		return -EBUSY;
	if (!find_holder(&search, &holder))
		return 1;
	set_lock(fd, F_UNLCK);
	return -EBUSY;
}

int file_lock(int fd, bool writing, struct file_holder *holder)
{
	struct search search = { .wanted = LOCKED, .own_fd = fd };
	int err = set_lock(fd, writing ? F_WRLCK : F_RDLCK);
	struct stat st;

	*holder = (struct file_holder){ 0 };
	if (err != -EBUSY || fstat(fd, &st))
		return err;
	search.st = &st;
	if (writing)
		err = lock_beside_readers(fd, &st);
	if (err == -EBUSY)
		find_holder(&search, holder);
	return err;
}

void file_holder_text(const struct file_holder *holder, char *text, size_t size)
{
	const char *name = strncmp(holder->name, "lkvm", 4) ? holder->name : "another lkvm";

	if (!holder->pid)
		snprintf(text, size, "another process");
	else if (holder->pid == getpid())
		snprintf(text, size, "another option of this guest");
	else
		snprintf(text, size, "%s (PID %d)", name, holder->pid);
}
