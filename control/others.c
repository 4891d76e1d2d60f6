// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lkvm/config/size.h"
#include "others.h"

/* A FIFO, device or link in place of a folder neither makes open() wait nor leads it elsewhere. */
#define LOOK (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

/* Where a user's folder is: PARENT/PREFIXuid, and LAST in it. */
struct place {
	const char *parent, *prefix, *last;
};

struct walk {
	control_found_fn *found;
	control_refused_fn *refused;
	void *arg;
};

static bool uid_of(const char *digits, uid_t *uid)
{
	u64 number;

	/* One way to write each. */
	if ((*digits == '0' && digits[1]) || parse_u64(digits, UINT32_MAX - 1, &number))
		return false;
	*uid = number;
	return true;
}

/* A descriptor, or -1. */
static int open_last(int parent, const char *name, const char *last)
{
	int fd = openat(parent, name, LOOK), inner;

	if (fd < 0 || !last)
		return fd;
	inner = openat(fd, last, LOOK);
	close(fd);
	return inner;
}

static int look_at(const struct walk *walk, const struct place *place, int parent, const char *name)
{
	struct control_folder folder = { .foreign = true };
	struct stat st;
	uid_t uid;
	int ret = 0;

	if (strncmp(name, place->prefix, strlen(place->prefix)) ||
	    !uid_of(name + strlen(place->prefix), &uid) || uid == geteuid())
		return 0;
	folder.fd = open_last(parent, name, place->last);
	if (folder.fd < 0)
		return 0;
	folder.owner = uid;
	snprintf(folder.path, sizeof(folder.path), "%s/%s%s%s", place->parent, name,
		 place->last ? "/" : "", place->last ?: "");
	if (fstat(folder.fd, &st))
		ret = 0;
	else if (st.st_uid == uid && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		ret = walk->found ? walk->found(&folder, walk->arg) : 0;
	else if (walk->refused)
		ret = walk->refused(folder.path, uid, st.st_uid, walk->arg);
	control_folder_close(&folder);
	return ret;
}

static int look_into(const struct walk *walk, const struct place *place)
{
	DIR *dir = opendir(place->parent);
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return 0;
	while (!ret && (entry = readdir(dir)))
		ret = look_at(walk, place, dirfd(dir), entry->d_name);
	closedir(dir);
	return ret;
}

int control_others_each(control_found_fn *found, control_refused_fn *refused, void *arg)
{
	const struct walk walk = { found, refused, arg };
	static const struct place places[] = {
		{ "/run/user", "", "lkvm" },
		{ "/tmp", "lkvm-", NULL },
	};
	int ret = 0;

	if (geteuid() != 0 || control_chosen_folder())
		return 0;
	for (unsigned i = 0; !ret && i < ARRAY_SIZE(places); i++)
		ret = look_into(&walk, &places[i]);
	return ret;
}

int control_folders_each(control_found_fn *found, void *arg)
{
	struct control_folder folder;
	char path[PATH_MAX];
	int ret = 0;

	for (unsigned i = 0; !ret && control_folder_path(i, path); i++) {
		/* No guest of ours has its socket where it could not have made one. */
		if (control_folder_open(&folder, path, false))
			continue;
		ret = found(&folder, arg);
		control_folder_close(&folder);
	}
	return ret ?: control_others_each(found, NULL, arg);
}

static bool name_is_plain(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > CONTROL_MAX_USER)
		return false;
	for (; *name; name++)
		if (*name <= ' ' || *name > '~' || *name == '/')
			return false;
	return true;
}

/* fgetpwent: no name service, so the static program can do it too. */
void control_user_name(uid_t uid, char name[CONTROL_MAX_USER + 1])
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd *user;

	sprintf(name, "%u", (unsigned)uid);
	if (!file)
		return;
	while ((user = fgetpwent(file))) {
		if (user->pw_uid != uid || !name_is_plain(user->pw_name))
			continue;
		strcpy(name, user->pw_name);
		break;
	}
	fclose(file);
}
