// SPDX-License-Identifier: GPL-2.0-or-later
/* Who else uses a disk: the words for it, and what the system itself has claimed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "disk-private.h"
#include "lkvm/util/file-lock.h"

static void say_holder(const char *path, const struct file_holder *holder, bool writing)
{
	char who[64];

	if (holder->pid == getpid()) {
		log_error("--disk %s: given twice; that works only if every one has ,ro", path);
		return;
	}
	file_holder_text(holder, who, sizeof(who));
	log_error("--disk %s: in use by %s%s", path, who, writing ? "" : ", for writing");
}

int disk_lock(int fd, const char *path, bool writing)
{
	struct file_holder holder;
	int err = file_lock(fd, writing, &holder);

	if (!err)
		return 0;
	if (err > 0) {
		log_warning(
			"--disk %s: a program of another user has locked it for reading; it sees what the guest writes",
			path);
		return 0;
	}
	if (err != -EBUSY) {
		/* Some network file systems: better unprotected than useless. */
		log_warning("--disk %s: cannot be locked (%s): take care that nobody else uses it",
			    path, strerror(-err));
		return 0;
	}
	say_holder(path, &holder, writing);
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
	struct file_holder holder;
	char where[256];

	if (find_mount(st->st_rdev, where, sizeof(where)))
		log_error("--disk %s: mounted on %s; unmount it, or add ,ro", path, where);
	else if (file_find_holder(st, &holder))
		say_holder(path, &holder, true);
	else
		log_error("--disk %s: in use by this system (a mounted partition, RAID, LVM or "
			  "swap?); release it, or add ,ro",
			  path);
}
