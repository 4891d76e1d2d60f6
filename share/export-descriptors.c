// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nodes' descriptors are a cache: those unused for longest are given back, and the objects are found again by file handle,
 * which the kernel gives to root alone, or by the names that led to them.
 */
#include <errno.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "export-descriptors.h"

#define FD_RETRIES	16
/* MAX_HANDLE_SZ is 128, and few file systems need more than 32. */
#define FD_HANDLE_BYTES 128u

int export_openat(int folder, const char *name)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};
	int fd = -1;

	/* The host renames something just now. */
	for (unsigned i = 0; i < FD_RETRIES; i++) {
		fd = syscall(SYS_openat2, folder, name, &how, sizeof(how));
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd < 0 ? -errno : fd;
}

int export_statx(int fd, const char *name, struct statx *stx)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);

	return statx(fd, name, flags, EXPORT_STATX, stx) ? -errno : 0;
}

s64 export_btime(const struct export_mount *mount, const struct statx *stx)
{
	if (!(stx->stx_mask & STATX_BTIME) || mount->copies)
		return 0;
	return (s64)((u64)stx->stx_btime.tv_sec * 1000000000u + stx->stx_btime.tv_nsec) ?: 1;
}

/* ---- handles ---- */

/* One that only tells objects apart is had where others are not: overlayfs, from Linux 6.6 on. */
#define FD_HANDLE_FID 0x200

static struct file_handle *fd_handle(int fd)
{
	struct {
		struct file_handle handle;
		u8 bytes[FD_HANDLE_BYTES];
	} buffer = { .handle.handle_bytes = FD_HANDLE_BYTES };
	int mount_id;

	int err = name_to_handle_at(fd, "", &buffer.handle, &mount_id, AT_EMPTY_PATH);
	if (err && errno == EOPNOTSUPP)
		err = name_to_handle_at(fd, "", &buffer.handle, &mount_id,
					AT_EMPTY_PATH | FD_HANDLE_FID);
	if (err || buffer.handle.handle_bytes > FD_HANDLE_BYTES)
		return NULL;
	size_t size = sizeof(buffer.handle) + buffer.handle.handle_bytes;
	struct file_handle *handle = malloc(size);
	if (handle)
		memcpy(handle, &buffer, size);
	return handle;
}

static bool fd_handle_is(const struct file_handle *a, const struct file_handle *b)
{
	return a->handle_type == b->handle_type && a->handle_bytes == b->handle_bytes &&
	       !memcmp(a->f_handle, b->f_handle, a->handle_bytes);
}

bool export_same_object(struct export_node *node, int fd, const struct statx *stx)
{
	if (node->btime != export_btime(node->mount, stx) || node->type != (stx->stx_mode & S_IFMT))
		return false;
	if (!node->handle)
		return true;
	struct file_handle *handle = fd_handle(fd);
	bool same = handle && fd_handle_is(node->handle, handle);
	free(handle);
	return same;
}

/* ---- mounts ---- */

/* Not all file systems have handles, and not everybody may open them. */
void export_try_handles(struct export *export, struct export_mount *mount, int fd)
{
	if (export_reserve_fd(export))
		return;
	int folder = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	struct file_handle *handle = folder < 0 ? NULL : fd_handle(fd);
	int again = handle ? open_by_handle_at(folder, handle, O_PATH | O_CLOEXEC) : -1;
	free(handle);
	if (again >= 0) {
		close(again);
		mount->fd = folder;
		mount->handles = true;
		return;
	}
	if (folder >= 0)
		close(folder);
	export_unreserve_fd(export);
}

/* An open folder would keep the host from unmounting it. */
void export_drop_mount(struct export *export, struct export_mount *mount)
{
	if (--mount->nodes || mount->fd < 0)
		return;
	close(mount->fd);
	mount->fd = -1;
	export->nr_fds--;
}

/* ---- the cache ---- */

void export_list_fd(struct export_node *node)
{
	struct export *export = node->export;

	if (node->pinned || node->mount->renumbers || node->users || node->fd < 0 || node->listed)
		return;
	TAILQ_INSERT_TAIL(&export->lru, node, lru);
	node->listed = true;
}

static void fd_unlist(struct export_node *node)
{
	if (!node->listed)
		return;
	TAILQ_REMOVE(&node->export->lru, node, lru);
	node->listed = false;
}

void export_pin_fd(struct export_node *node)
{
	if (node->fd < 0)
		return;
	fd_unlist(node);
	node->pinned = true;
}

int export_take_fd(struct export_node *node)
{
	int fd = node->fd;

	fd_unlist(node);
	node->fd = -1;
	return fd;
}

/*
 * With the lock, which it lets go of: can this one be found again? An object without a name cannot, neither one of whose
 * handle there is no memory for. Its descriptor, for the caller to close and take from the count, or -1.
 */
static int fd_give_back(struct export_node *node)
{
	struct export *export = node->export;
	struct file_handle *handle = NULL;
	bool wanted = node->mount->identities && !node->handle;
	struct statx stx;

	fd_unlist(node);
	node->users++;
	node->refs++;
	pthread_mutex_unlock(&export->lock);
	bool named = !statx(node->fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK, &stx) &&
		     stx.stx_nlink;
	if (wanted && named)
		handle = fd_handle(node->fd);
	pthread_mutex_lock(&export->lock);
	node->users--;
	if (handle)
		node->handle = handle;
	if (!named || (wanted && !handle && node->mount->handles))
		node->pinned = true;
	return node->pinned || node->users ? -1 : export_take_fd(node);
}

int export_reserve_fd(struct export *export)
{
	int err = 0;

	pthread_mutex_lock(&export->lock);
	while (export->nr_fds >= export->max_fds) {
		struct export_node *node = TAILQ_FIRST(&export->lru);

		if (!node) {
			err = -EMFILE;
			break;
		}
		int fd = fd_give_back(node);
		pthread_mutex_unlock(&export->lock);
		if (fd >= 0)
			close(fd);
		export_node_put(node, 1);
		pthread_mutex_lock(&export->lock);
		export->nr_fds -= fd >= 0;
	}
	if (!err)
		export->nr_fds++;
	pthread_mutex_unlock(&export->lock);
	return err;
}

void export_unreserve_fd(struct export *export)
{
	pthread_mutex_lock(&export->lock);
	export->nr_fds--;
	pthread_mutex_unlock(&export->lock);
}

/* ---- finding again ---- */

/* Takes the descriptor, which is the object's if it is the one that was known: its users then are one more. */
static int fd_found(struct export_node *node, int fd)
{
	struct export *export = node->export;
	struct statx stx;
	int err = export_statx(fd, "", &stx);

	if (!err && (!export_mount_is(node->mount, &stx) || stx.stx_ino != node->ino ||
		     !export_same_object(node, fd, &stx)))
		err = -ESTALE;
	pthread_mutex_lock(&export->lock);
	if (!err && node->fd < 0) {
		node->fd = fd;
		fd = -1;
	} else {
		export->nr_fds--;
	}
	if (!err) {
		fd_unlist(node);
		node->users++;
		err = node->fd;
	}
	pthread_mutex_unlock(&export->lock);
	if (fd >= 0)
		close(fd);
	return err;
}

static int fd_by_handle(struct export_node *node)
{
	int err = export_reserve_fd(node->export);

	if (err)
		return err;
	int fd = open_by_handle_at(node->mount->fd, node->handle, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd_found(node, fd);
	err = -errno;
	export_unreserve_fd(node->export);
	return err == -ENOENT ? -ESTALE : err;
}

/* parent is used by the caller. */
static int fd_by_name(struct export_node *node, int parent)
{
	struct export *export = node->export;
	char name[NAME_MAX + 1];
	int err = export_reserve_fd(export);

	if (err)
		return err;
	pthread_mutex_lock(&export->lock);
	snprintf(name, sizeof(name), "%s", node->name);
	pthread_mutex_unlock(&export->lock);
	int fd = export_openat(parent, name);
	if (fd >= 0)
		return fd_found(node, fd);
	export_unreserve_fd(export);
	return fd == -ENOENT || fd == -ENOTDIR ? -ESTALE : fd;
}

/* The descriptor of a node that has one, used once more; -1: it has none, but a handle perhaps. */
static int fd_use_open(struct export_node *node, bool *handle)
{
	pthread_mutex_lock(&node->export->lock);
	int fd = node->fd;
	*handle = node->handle && node->mount->handles;
	if (fd >= 0 && !node->users++)
		fd_unlist(node);
	pthread_mutex_unlock(&node->export->lock);
	return fd;
}

/*
 * The nodes from this one upwards to the first that can be had without its parent, each counted; how many, or -ENOMEM. The
 * guest decides how many that are, so they are on no stack.
 */
static ssize_t fd_chain(struct export_node *node, struct export_node ***chain)
{
	struct export *export = node->export;
	size_t nr = 0, i = 0;

	*chain = NULL;
	pthread_mutex_lock(&export->lock);
	for (struct export_node *up = node; up; up = up->parent, nr++)
		if (up->fd >= 0 || (up->handle && up->mount->handles))
			break;
	*chain = calloc(++nr, sizeof(**chain));
	for (struct export_node *up = node; *chain && i < nr; up = up->parent, i++) {
		(*chain)[i] = up;
		up->refs++;
	}
	pthread_mutex_unlock(&export->lock);
	return *chain ? (ssize_t)nr : -ENOMEM;
}

static int fd_by_names(struct export_node *node)
{
	struct export_node **chain;
	ssize_t nr = fd_chain(node, &chain);
	int fd = -ESTALE;

	if (nr < 0)
		return nr;
	for (ssize_t i = nr; i-- > 0;) {
		int parent = fd;
		bool handle;

		if (i == nr - 1) {
			fd = export_use(chain[i]);
			continue;
		}
		if (parent < 0)
			break;
		fd = fd_use_open(chain[i], &handle);
		if (fd < 0)
			fd = fd_by_name(chain[i], parent);
		export_unuse(chain[i + 1]);
	}
	for (ssize_t i = 0; i < nr; i++)
		export_node_put(chain[i], 1);
	free(chain);
	return fd;
}

/*
 * A file that is found by its handle may have no place in the tree of names as the kernel knows it, and Landlock then lets nobody
 * open it: first it is looked for where it was. Folders always have a place.
 */
static int fd_by_name_or_handle(struct export_node *node)
{
	struct export *export = node->export;

	pthread_mutex_lock(&export->lock);
	struct export_node *parent = node->parent;
	parent->refs++;
	pthread_mutex_unlock(&export->lock);
	int fd = export_use(parent);
	if (fd >= 0) {
		fd = fd_by_name(node, fd);
		export_unuse(parent);
	}
	export_node_put(parent, 1);
	return fd >= 0 || fd == -EMFILE ? fd : fd_by_handle(node);
}

int export_use(struct export_node *node)
{
	bool handle;
	int fd = fd_use_open(node, &handle);

	if (fd >= 0)
		return fd;
	if (!handle)
		return fd_by_names(node);
	return node->type == S_IFDIR ? fd_by_handle(node) : fd_by_name_or_handle(node);
}

void export_unuse(struct export_node *node)
{
	pthread_mutex_lock(&node->export->lock);
	if (!--node->users)
		export_list_fd(node);
	pthread_mutex_unlock(&node->export->lock);
}
