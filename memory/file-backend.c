// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest RAM in a file with a name, for who wants to look at it from outside, also afterwards. A guest's
 * memory is zero when it starts, so what was in the file is lost; what the guest leaves stays there.
 */
#include <linux/magic.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lkvm/util/file-lock.h"
#include "lkvm/util/log.h"
#include "lkvm/memory/backends.h"

static int file_backend_failed(const struct guest_memory *memory)
{
	return memory_refuse(memory, -errno, "%s: %s", memory->config->path, strerror(errno));
}

/* A missing file is created; an existing one is never resized. */
static int open_or_make(struct guest_memory *memory, u64 size)
{
	const char *path = memory->config->path;
	int err;

	memory->fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (memory->fd >= 0 || errno != ENOENT)
		return memory->fd < 0 ? file_backend_failed(memory) : 0;
	memory->fd = open(path, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0600);
	if (memory->fd < 0)
		return file_backend_failed(memory);
	if (!ftruncate(memory->fd, size))
		return 0;
	err = file_backend_failed(memory);
	/* The next attempt would take it for an existing file, and find it too small. */
	unlink(path);
	return err;
}

static int file_backend_lock(const struct guest_memory *memory)
{
	const char *path = memory->config->path;
	struct file_holder holder;
	char text[64];

	/* A file system without locks is no reason to refuse. */
	if (file_lock(memory->fd, true, &holder) != -EBUSY)
		return 0;
	if (!holder.pid)
		return memory_refuse(memory, -EBUSY, "%s: somebody else uses it", path);
	file_holder_text(&holder, text, sizeof(text));
	return memory_refuse(memory, -EBUSY, "%s is in use by %s", path, text);
}

/* Write permission on it is control over the guest. */
static int check_owner(const struct guest_memory *memory, const struct stat *st)
{
	const char *path = memory->config->path;

	if (st->st_uid != geteuid())
		return memory_refuse(
			memory, -EPERM,
			"%s belongs to user %u, who could change the guest's memory; take a "
			"file of your own, or one that is not there, and lkvm makes it",
			path, st->st_uid);
	if (st->st_mode & 022)
		return memory_refuse(memory, -EPERM,
				     "others may write to %s (mode %04o), and so to the guest's "
				     "memory; 'chmod 600 %s' helps",
				     path, st->st_mode & 07777, path);
	if (st->st_mode & 044)
		log_warning(MEMORY_PREFIX "others may read %s (mode %04o), and so the guest's "
					  "memory; 'chmod 600 %s' helps",
			    memory_name(memory), path, st->st_mode & 07777, path);
	return 0;
}

int memory_open_file(struct guest_memory *memory, u64 size)
{
	const char *path = memory->config->path;
	struct statfs fs;
	struct stat st;
	int err = open_or_make(memory, size);

	if (err)
		return err;
	if (fstat(memory->fd, &st) || fstatfs(memory->fd, &fs))
		return file_backend_failed(memory);
	if (!S_ISREG(st.st_mode))
		return memory_refuse(memory, -EINVAL, "%s: it is not a regular file", path);
	err = check_owner(memory, &st);
	if (err)
		return err;
	if ((u32)fs.f_type == HUGETLBFS_MAGIC)
		return memory_refuse(memory, -EINVAL,
				     "%s: it is in a hugetlbfs; use --hugetlbfs FOLDER", path);
	if ((u64)st.st_size < size)
		return memory_refuse(
			memory, -EINVAL,
			"%s has %llu KiB, the guest's memory %llu KiB; make it larger, "
			"or remove it and lkvm makes one",
			path, (unsigned long long)st.st_size >> 10, (unsigned long long)size >> 10);
	return file_backend_lock(memory);
}

void memory_why_no_file_page(const struct guest_memory *memory, char *text, size_t size)
{
	const char *path = memory->config->path;
	struct statfs fs;
	struct stat st;

	if (fstat(memory->fd, &st) || fstatfs(memory->fd, &fs))
		snprintf(text, size, "%s: %s", path, strerror(errno));
	else if ((u64)st.st_size < memory->size)
		snprintf(text, size,
			 "%s was made shorter, to %llu KiB of %llu; nobody may do that while the "
			 "guest runs",
			 path, (unsigned long long)st.st_size >> 10,
			 (unsigned long long)memory->size >> 10);
	else
		snprintf(text, size,
			 "the file system of %s has no space for it, %llu KiB are left; free some "
			 "there%s",
			 path, (unsigned long long)fs.f_bavail * fs.f_bsize >> 10,
			 memory->config->prealloc
				 ? ""
				 : ", or add ,prealloc, which takes all of it at the start");
}
