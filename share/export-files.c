// SPDX-License-Identifier: GPL-2.0-or-later
/* An export's open files: opened through the descriptors that hold the objects, never by a path. */
#include <errno.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "export-private.h"

/* What a guest may ask for. */
#define FILE_FLAGS                                                                                 \
	(O_ACCMODE | O_APPEND | O_TRUNC | O_DIRECT | O_DSYNC | O_SYNC | O_NOATIME | O_DIRECTORY)
/* A lease of the host's is no reason to wait. */
#define FILE_ALWAYS  (O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define FILE_RETRIES 8

/* ---- descriptors ---- */

/* The very object that fd holds. */
static int file_open_again(struct export *export, int fd, int flags)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", fd);
	int opened = openat(export->proc_fds, name, flags | FILE_ALWAYS);
	/* Of a file of another user's: when it was read is the host's own business. */
	if (opened < 0 && errno == EPERM && (flags & O_NOATIME))
		opened = openat(export->proc_fds, name, (flags & ~O_NOATIME) | FILE_ALWAYS);
	return opened < 0 ? -errno : opened;
}

static int file_may_open(const struct export_node *node)
{
	if (node->mount->kernels)
		return -EACCES;
	if (node->type == S_IFLNK)
		return -ELOOP;
	return node->type == S_IFREG || node->type == S_IFDIR ? 0 : -ENXIO;
}

int export_reopen_reserved(struct export_node *node, int flags)
{
	int err = file_may_open(node);

	if (err)
		return err;
	int fd = export_use(node);
	if (fd < 0)
		return fd;
	int opened = file_open_again(node->export, fd, flags);
	export_unuse(node);
	return opened;
}

int export_reopen(struct export_node *node, int flags)
{
	int err = export_reserve_fd(node->export);

	if (err)
		return err;
	int fd = export_reopen_reserved(node, flags);
	if (fd < 0)
		export_unreserve_fd(node->export);
	return fd;
}

int export_reserve_file(struct export *export)
{
	int err = 0;

	pthread_mutex_lock(&export->lock);
	if (export->nr_files >= export->max_files)
		err = -EMFILE;
	else
		export->nr_files++;
	pthread_mutex_unlock(&export->lock);
	if (err)
		return err;
	err = export_reserve_fd(export);
	if (err) {
		pthread_mutex_lock(&export->lock);
		export->nr_files--;
		pthread_mutex_unlock(&export->lock);
	}
	return err;
}

void export_unreserve_file(struct export *export)
{
	pthread_mutex_lock(&export->lock);
	export->nr_files--;
	export->nr_fds--;
	pthread_mutex_unlock(&export->lock);
}

/* ---- struct export_file ---- */

static struct export_file *file_alloc(int flags)
{
	struct export_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->fd = -1;
	file->flags = flags;
	file->refs = 1;
	pthread_mutex_init(&file->lock, NULL);
	return file;
}

static void file_free(struct export_file *file)
{
	pthread_mutex_destroy(&file->lock);
	free(file->entries);
	free(file);
}

/* Takes a reserved descriptor. */
static void file_attach(struct export_file *file, struct export_node *node, int fd)
{
	file->fd = fd;
	file->node = node;
	pthread_mutex_lock(&node->export->lock);
	node->refs++;
	node->files++;
	pthread_mutex_unlock(&node->export->lock);
}

void export_file_get(struct export_file *file)
{
	__atomic_add_fetch(&file->refs, 1, __ATOMIC_RELAXED);
}

void export_file_put(struct export_file *file)
{
	struct export_node *node = file->node;
	struct export *export = node->export;

	if (__atomic_sub_fetch(&file->refs, 1, __ATOMIC_ACQ_REL))
		return;
	close(file->fd);
	export_unreserve_file(export);
	file_free(file);
	pthread_mutex_lock(&export->lock);
	bool last = !--node->files;
	pthread_mutex_unlock(&export->lock);
	if (last)
		export_unlock_node(node);
	export_node_put(node, 1);
}

struct export_node *export_file_node(struct export_file *file)
{
	return file->node;
}

/* ---- opening ---- */

static int file_check_flags(const struct export_node *node, int *flags)
{
	int err = file_may_open(node);

	if (err)
		return err;
	*flags &= FILE_FLAGS;
	if (node->type != S_IFDIR)
		return *flags & O_DIRECTORY ? -ENOTDIR : 0;
	if ((*flags & O_ACCMODE) != O_RDONLY || (*flags & O_TRUNC))
		return -EISDIR;
	*flags = O_RDONLY | O_DIRECTORY | (*flags & O_NOATIME);
	return 0;
}

/*
 * Node's descriptor is used by the caller, what is opened was reserved. A server of the host's (NFS) may let users open what it
 * does not let root.
 */
static int file_open_as(struct export_node *node, int fd, const struct export_caller *caller,
			int flags)
{
	bool changes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
	struct export *export = node->export;
	struct export_ids ids = { 0 };
	int err = 0;

	if (changes)
		err = export_enter_write(export, fd, flags & O_TRUNC ? caller : NULL, &ids);
	if (err)
		return err;
	int opened = file_open_again(export, fd, flags);
	export_leave(export, &ids);
	if ((opened != -EACCES && opened != -EPERM) || !caller || !caller->uid ||
	    !export->config.root)
		return opened;
	err = export_enter(export, caller, flags & O_TRUNC, &ids);
	if (err)
		return opened;
	opened = file_open_again(export, fd, flags);
	export_leave(export, &ids);
	return opened;
}

int export_open_file(struct export_node *node, const struct export_caller *caller, int flags,
		     struct export_file **filep)
{
	struct export *export = node->export;
	int err = file_check_flags(node, &flags);

	if (err)
		return err;
	struct export_file *file = file_alloc(flags);
	if (!file)
		return -ENOMEM;
	int fd = export_use(node);
	if (fd < 0) {
		err = fd;
		goto free;
	}
	err = export_reserve_file(export);
	if (err)
		goto unuse;
	int opened = file_open_as(node, fd, caller, flags);
	if (opened < 0) {
		err = opened;
		export_unreserve_file(export);
		goto unuse;
	}
	file_attach(file, node, opened);
	export_unuse(node);
	*filep = file;
	return 0;
unuse:
	export_unuse(node);
free:
	file_free(file);
	return err;
}

/* ---- creating ---- */

/* The node of a file that was just made, from its open descriptor. Takes a reserved one. */
static int file_node(struct export_node *parent, const char *name, int fd,
		     struct export_node **node, struct export_attr *attr)
{
	struct export *export = parent->export;
	struct statx stx;
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	int path = openat(export->proc_fds, number, O_PATH | O_CLOEXEC);
	int err = path < 0 ? -errno : export_statx(path, "", &stx);
	if (err) {
		if (path >= 0)
			close(path);
		export_unreserve_fd(export);
		return err;
	}
	err = export_node_obtain(export, parent, name, path, &stx, node);
	if (!err && attr)
		export_fill_attr(*node, &stx, attr);
	return err;
}

/* Makes a file of its own: what is there already may be a device. */
static int file_create_new(struct export_node *parent, const char *name,
			   const struct export_caller *caller, int flags, u32 mode)
{
	struct export_naming naming;
	struct open_how how = {
		.flags = (u32)((flags & FILE_FLAGS & ~(O_DIRECTORY | O_TRUNC)) | O_CREAT | O_EXCL |
			       O_NOFOLLOW | FILE_ALWAYS),
		.mode = mode & 07777,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};
	int fd = -1;
	int err = export_naming_begin(&naming, parent, name, caller);

	if (err)
		return err;
	for (unsigned i = 0; i < FILE_RETRIES && fd < 0; i++) {
		fd = syscall(SYS_openat2, naming.folder, name, &how, sizeof(how));
		if (fd < 0 && errno != EAGAIN && errno != EINTR)
			break;
	}
	if (fd < 0)
		err = -errno;
	export_naming_end(&naming);
	return err ?: fd;
}

static int file_tmpfile(struct export_node *parent, const char *name,
			const struct export_caller *caller, int flags, u32 mode)
{
	struct export_naming naming;
	/* Any good name passes the check; none is made. */
	int err = export_naming_begin(&naming, parent, "tmpfile", caller);

	if (err)
		return err;
	flags = (flags & (FILE_FLAGS | O_EXCL) & ~(O_DIRECTORY | O_TRUNC)) | O_TMPFILE |
		FILE_ALWAYS;
	int fd = openat(naming.folder, ".", flags, mode & 07777);
	err = fd < 0 ? -errno : fd;
	export_naming_end(&naming);
	return err;
}

static int file_make(struct export_node *parent, const char *name,
		     const struct export_caller *caller, int flags, u32 mode,
		     int (*make)(struct export_node *parent, const char *name,
				 const struct export_caller *caller, int flags, u32 mode),
		     struct export_node **node, struct export_attr *attr,
		     struct export_file **filep)
{
	struct export *export = parent->export;
	struct export_file *file = file_alloc(flags);

	if (!file)
		return -ENOMEM;
	int err = export_reserve_file(export);
	if (err)
		goto free;
	/* The node's: what cannot be answered for is not made. */
	err = export_reserve_fd(export);
	if (err)
		goto unreserve;
	mode = export_new_mode(parent, caller, mode);
	int fd = make(parent, name, caller, flags, mode);
	if (fd < 0) {
		err = fd;
		export_unreserve_fd(export);
		goto unreserve;
	}
	err = file_node(parent, name, fd, node, attr);
	if (err) {
		close(fd);
		goto unreserve;
	}
	file_attach(file, *node, fd);
	*filep = file;
	return 0;
unreserve:
	export_unreserve_file(export);
free:
	file_free(file);
	return err;
}

/* An object of that name is opened as any other. */
static int file_open_existing(struct export_node *parent, const char *name,
			      const struct export_caller *caller, int flags,
			      struct export_node **node, struct export_attr *attr,
			      struct export_file **file)
{
	int err = export_lookup(parent, name, caller, node, attr);

	if (err)
		return err;
	err = export_open_file(*node, caller, flags, file);
	if (!err && attr && (flags & O_TRUNC))
		err = export_getattr(*node, *file, 0, attr);
	if (err)
		export_node_put(*node, 1);
	return err;
}

int export_create(struct export_node *parent, const char *name, const struct export_caller *caller,
		  int flags, u32 mode, struct export_node **node, struct export_attr *attr,
		  struct export_file **file)
{
	int err = export_check_name(name);

	if (err)
		return err;
	for (unsigned i = 0; i < FILE_RETRIES; i++) {
		err = file_make(parent, name, caller, flags, mode, file_create_new, node, attr,
				file);
		/* One that is there may be opened where none may be made. */
		if ((err != -EEXIST && err != -EROFS) || (flags & O_EXCL))
			return err;
		int found = file_open_existing(parent, name, caller, flags, node, attr, file);
		if (found != -ENOENT || err == -EROFS)
			return found == -ENOENT ? err : found;
	}
	return err;
}

int export_tmpfile(struct export_node *parent, const struct export_caller *caller, int flags,
		   u32 mode, struct export_node **node, struct export_attr *attr,
		   struct export_file **file)
{
	return file_make(parent, "", caller, flags, mode, file_tmpfile, node, attr, file);
}
