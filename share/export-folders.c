// SPDX-License-Identifier: GPL-2.0-or-later
/* The entries of an export's open folders. Cookies are the host's file system's own. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "export-private.h"

/* So many open folders can have one each that it must not be larger. */
#define FOLDER_BUFFER  8192
/* No cookie: off_t has a sign. */
#define FOLDER_NOWHERE UINT64_MAX

struct folder_entry {
	u64 ino, next;
	u16 length;
	u8 type;
	char name[];
};

/* Fills the buffer from the cookie on: bytes, 0 at the end, or -errno. */
static ssize_t folder_fill(struct export_file *folder, u64 cookie)
{
	if (!folder->entries)
		folder->entries = malloc(FOLDER_BUFFER);
	if (!folder->entries)
		return -ENOMEM;
	folder->next = folder->end = 0;
	if (cookie != folder->fd_cookie && lseek(folder->fd, cookie, SEEK_SET) < 0)
		return -errno;
	folder->cookie = cookie;
	/* Behind the entries, and which cookie that is the last of them tells. */
	folder->fd_cookie = FOLDER_NOWHERE;
	ssize_t len = syscall(SYS_getdents64, folder->fd, folder->entries, FOLDER_BUFFER);
	if (len < 0)
		return -errno;
	folder->end = len;
	return len;
}

/* An entry at the start of what is left, or NULL. */
static const struct folder_entry *folder_entry(const struct export_file *folder)
{
	if (folder->next >= folder->end)
		return NULL;
	return (const struct folder_entry *)(folder->entries + folder->next);
}

/* ".." of the export's root is not the guest's. */
static u64 folder_ino(const struct export_node *node, const struct folder_entry *entry)
{
	bool up = node == node->export->root && !strcmp(entry->name, "..");

	return export_number(node->export, node->mount->dev, up ? node->ino : entry->ino);
}

static int folder_read(struct export_file *folder, u64 cookie,
		       bool (*emit)(void *opaque, const struct export_entry *entry), void *opaque)
{
	ssize_t len = folder->end - folder->next;

	/* The beginning in any case: what was read before is not of now. */
	if (!cookie || cookie != folder->cookie || !folder_entry(folder))
		len = folder_fill(folder, cookie);
	while (len > 0) {
		const struct folder_entry *entry = folder_entry(folder);

		if (!entry) {
			len = folder_fill(folder, folder->cookie);
			continue;
		}
		const struct export_entry emitted = {
			.name = entry->name,
			.ino = folder_ino(folder->node, entry),
			.type = entry->type,
			.next = entry->next,
		};
		if (!emit(opaque, &emitted))
			return 0;
		folder->next += entry->length;
		folder->cookie = entry->next;
		if (folder->next >= folder->end)
			folder->fd_cookie = folder->cookie;
	}
	free(folder->entries);
	folder->entries = NULL;
	folder->next = folder->end = 0;
	return len;
}

int export_readdir(struct export_file *folder, u64 cookie,
		   bool (*emit)(void *opaque, const struct export_entry *entry), void *opaque)
{
	if (folder->node->type != S_IFDIR)
		return -ENOTDIR;
	if (cookie > INT64_MAX)
		return -EINVAL;
	pthread_mutex_lock(&folder->lock);
	int err = folder_read(folder, cookie, emit, opaque);
	pthread_mutex_unlock(&folder->lock);
	return err;
}
