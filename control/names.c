// SPDX-License-Identifier: GPL-2.0-or-later
/* Which guests there are: the folders are looked through. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lkvm/config/config.h"
#include "lkvm/control/names.h"
#include "lkvm/util/log.h"
#include "lkvm/util/text.h"
#include "others.h"

/* Files looked at in another user's folder: a folder full of them must not make root wait for ever. */
#define MAX_FOREIGN 1024

int control_add_name(struct control_names *names, const char *name)
{
	char **list;

	for (size_t i = 0; i < names->nr; i++)
		if (!strcmp(names->list[i], name))
			return 0;
	list = realloc(names->list, (names->nr + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	names->list = list;
	list[names->nr] = strdup(name);
	return list[names->nr++] ? 0 : -ENOMEM;
}

/* Cuts the ending off; false: that is no guest's socket. */
static bool name_of_file(char *file)
{
	size_t len = strlen(file), ending = strlen(CONTROL_SUFFIX);

	if (len <= ending || strcmp(file + len - ending, CONTROL_SUFFIX))
		return false;
	file[len - ending] = '\0';
	return !config_name_fault(file);
}

/* Removes what a killed guest left behind, unless a new one is just creating it. */
static void clean_up(struct control_folder *folder, const char *name)
{
	if (control_folder_lock(folder))
		return;
	control_folder_remove_stale(folder, name);
	control_folder_unlock(folder);
}

static int add_foreign(struct control_names *names, const struct control_folder *folder,
		       const char *name)
{
	char full[CONTROL_MAX_USER + 1 + CONFIG_MAX_NAME + 1], clean[sizeof(full)];

	control_user_name(folder->owner, full);
	strcat(strcat(full, "/"), name);
	strcpy(clean, full);
	text_clean(clean);
	/* It is going to be shown on root's terminal. */
	return strcmp(clean, full) ? 0 : control_add_name(names, full);
}

static int look_at(struct control_folder *folder, char *file, struct control_names *names)
{
	int fd;

	if (!name_of_file(file))
		return 0;
	fd = control_folder_connect(folder, file);
	if (fd == -ECONNREFUSED && !folder->foreign)
		clean_up(folder, file);
	if (fd < 0 && fd != -EAGAIN)
		return 0;
	if (fd >= 0)
		close(fd);
	return folder->foreign ? add_foreign(names, folder, file) : control_add_name(names, file);
}

static int look_into(struct control_folder *folder, void *arg)
{
	/* A description of its own, as closedir() closes it. */
	DIR *dir = fdopendir(openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;
	unsigned files = 0;
	int err = 0;

	if (!dir)
		return 0;
	while (!err && (!folder->foreign || files++ < MAX_FOREIGN) && (entry = readdir(dir)))
		err = look_at(folder, entry->d_name, arg);
	closedir(dir);
	return err;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void control_free_names(struct control_names *names)
{
	for (size_t i = 0; i < names->nr; i++)
		free(names->list[i]);
	free(names->list);
	*names = (struct control_names){ .nr = 0 };
}

int control_names(struct control_names *names)
{
	int err;

	*names = (struct control_names){ .nr = 0 };
	err = control_folders_each(look_into, names);
	if (err)
		control_free_names(names);
	else if (names->nr)
		qsort(names->list, names->nr, sizeof(*names->list), name_compare);
	return err;
}

static int find_own(struct control_folder *folder, void *name)
{
	return folder->foreign ? -1 : control_folder_inode(folder, name) != 0;
}

bool control_has_own(const char *name)
{
	return !config_name_fault(name) && control_folders_each(find_own, (void *)name) > 0;
}

/* ---- what is not looked into ---- */

#define MAX_WARNINGS 3

static int warn_of_other(const char *path, uid_t uid, uid_t owner, void *arg)
{
	unsigned *warnings = arg;
	char user[CONTROL_MAX_USER + 1], rightful[CONTROL_MAX_USER + 1];

	control_user_name(owner, user);
	control_user_name(uid, rightful);
	if (++*warnings > MAX_WARNINGS)
		log_warning("there are more folders of that kind");
	else if (owner != uid)
		log_warning(
			"%s belongs to user %s instead of %s, so no guest is looked for in it; remove it",
			path, user, rightful);
	else
		log_warning(
			"others than %s may write to %s, so no guest is looked for in it; 'chmod "
			"go-w' makes it that user's alone",
			user, path);
	return *warnings > MAX_WARNINGS;
}

void control_warn_folders(void)
{
	unsigned warnings = 0;
	char text[PATH_MAX + 200];

	if (control_folder_trouble(text, sizeof(text)))
		log_warning("no guest is looked for in a folder that is not safe: %s", text);
	control_others_each(NULL, warn_of_other, &warnings);
}
