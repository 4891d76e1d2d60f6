// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A symbolic link under which a pty is found. It may stand in a folder where others make files, as /tmp is:
 * what is there is never followed, and replaced only if it is a link of this user's to a pty that is gone.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lkvm/util/log.h"
#include "chardev-backend.h"

#define PTS "/dev/pts/"

static int open_folder(struct pty_link *link, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) + 1 : 0;
	char folder[PATH_MAX] = ".";

	if (len >= sizeof(folder))
		return -ENAMETOOLONG;
	if (len) {
		memcpy(folder, path, len);
		folder[len] = '\0';
	}
	link->name = path + len;
	link->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return link->folder < 0 ? -errno : 0;
}

static bool read_link(const struct pty_link *link, char *target, size_t size)
{
	ssize_t len = readlinkat(link->folder, link->name, target, size - 1);

	if (len < 0)
		return false;
	target[len] = '\0';
	return true;
}

static bool is_pty(const char *path)
{
	const char *p = path + strlen(PTS);

	if (strncmp(path, PTS, strlen(PTS)) || !*p)
		return false;
	while (isdigit((unsigned char)*p))
		p++;
	return !*p;
}

/* Why it must stay; NULL: it is what a guest of this user's left behind. */
static const char *pty_link_keep(const struct pty_link *link)
{
	char target[64];
	struct stat st;

	if (fstatat(link->folder, link->name, &st, AT_SYMLINK_NOFOLLOW))
		return NULL;
	if (!S_ISLNK(st.st_mode))
		return "there is something else of that name";
	if (st.st_uid != geteuid())
		return "there is a link of another user's";
	if (!read_link(link, target, sizeof(target)) || !is_pty(target))
		return "there is a link to something else";
	/* Its number may have come back to us. */
	if (strcmp(target, link->target) && !access(target, F_OK))
		return "there is a link to a terminal that is in use; remove it if that is no guest's";
	return NULL;
}

/* Makes way for the link. */
static int pty_link_clear(const struct pty_link *link, const char **why)
{
	*why = pty_link_keep(link);
	if (*why)
		return -EEXIST;
	return unlinkat(link->folder, link->name, 0) && errno != ENOENT ? -errno : 0;
}

static int link_failed(const struct pty_link *link, int err, const char *why)
{
	log_fatal("Unable to make the link %s to %s: %s", link->path, link->target,
		  why ?: strerror(-err));
	return err;
}

int pty_link_open(struct pty_link *link, const char *path, const char *target)
{
	const char *why = NULL;
	int err;

	link->path = path;
	snprintf(link->target, sizeof(link->target), "%s", target);
	err = open_folder(link, path);
	if (err)
		return link_failed(link, err, NULL);
	link->opened = true;
	err = pty_link_clear(link, &why);
	return err ? link_failed(link, err, why) : 0;
}

int pty_link_make(struct pty_link *link)
{
	int err;

	if (!link->opened)
		return 0;
	if (symlinkat(link->target, link->folder, link->name)) {
		err = -errno;
		return link_failed(link, err, NULL);
	}
	link->made = true;
	return 0;
}

void pty_link_remove(struct pty_link *link)
{
	char target[64];

	if (link->made && read_link(link, target, sizeof(target)) && !strcmp(target, link->target))
		unlinkat(link->folder, link->name, 0);
	if (link->opened)
		close(link->folder);
	link->made = link->opened = false;
}
