// SPDX-License-Identifier: GPL-2.0-or-later
/* Attributes of an export's objects, and of its file systems. */
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "export-private.h"

/* Linux 6.6; C libraries follow. The same number on all architectures. */
#define NR_FCHMODAT2 452

void export_fill_attr(struct export_node *node, const struct statx *stx, struct export_attr *attr)
{
	struct export *export = node->export;

	attr->statx = *stx;
	attr->statx.stx_uid = export_id_to_guest(export, false, stx->stx_uid);
	attr->statx.stx_gid = export_id_to_guest(export, true, stx->stx_gid);
	attr->statx.stx_ino = export_number(export, export_statx_dev(stx), stx->stx_ino);
	attr->mount = false;
	if (!export->config.submounts || node == export->root)
		return;
	if (stx->stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) {
		attr->mount = stx->stx_attributes & STATX_ATTR_MOUNT_ROOT;
		return;
	}
	pthread_mutex_lock(&export->lock);
	attr->mount = node->parent && node->parent->mount->dev != node->mount->dev;
	pthread_mutex_unlock(&export->lock);
}

int export_getattr(struct export_node *node, struct export_file *file, u32 mask,
		   struct export_attr *attr)
{
	int fd = file ? file->fd : export_use(node);
	struct statx stx;
	int err = 0;

	if (fd < 0)
		return fd;
	if (statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		  EXPORT_STATX | mask, &stx))
		err = -errno;
	if (!file)
		export_unuse(node);
	if (!err)
		export_fill_attr(node, &stx, attr);
	return err;
}

/* ---- changes ---- */

static int attr_chmod(struct export_node *node, int fd, u32 mode)
{
	char name[16];

	if (node->type == S_IFLNK)
		return -EOPNOTSUPP;
	if (!syscall(NR_FCHMODAT2, fd, "", mode & 07777, AT_EMPTY_PATH))
		return 0;
	if (errno != ENOSYS && errno != EINVAL)
		return -errno;
	snprintf(name, sizeof(name), "%d", fd);
	return fchmodat(node->export->proc_fds, name, mode & 07777, 0) ? -errno : 0;
}

static int attr_chown(struct export_node *node, int fd, const struct export_change *change)
{
	u32 uid = -1, gid = -1;
	int err = 0;

	if (change->valid & EXPORT_SET_UID)
		err = export_id_to_host(node->export, false, change->uid, &uid);
	if (!err && (change->valid & EXPORT_SET_GID))
		err = export_id_to_host(node->export, true, change->gid, &gid);
	if (err)
		return err;
	if (!fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return 0;
	/* A user namespace does not even know the id. */
	return errno == EINVAL && !node->export->config.root ? -EPERM : -errno;
}

static struct timespec attr_time(u32 valid, u32 set, u32 now, struct timespec given)
{
	if (valid & now)
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	/* These two would mean something else to the kernel. */
	if (!(valid & set) || given.tv_nsec == UTIME_NOW || given.tv_nsec == UTIME_OMIT)
		return (struct timespec){ .tv_nsec = UTIME_OMIT };
	return given;
}

static int attr_set_times(struct export_node *node, int fd, const struct export_change *change)
{
	const struct timespec times[2] = {
		attr_time(change->valid, EXPORT_SET_ATIME, EXPORT_SET_ATIME_NOW, change->atime),
		attr_time(change->valid, EXPORT_SET_MTIME, EXPORT_SET_MTIME_NOW, change->mtime),
	};
	char name[16];

	if (!utimensat(fd, "", times, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return 0;
	/* Linux before 5.8. */
	if (errno != EINVAL || node->type == S_IFLNK)
		return -errno;
	snprintf(name, sizeof(name), "%d", fd);
	return utimensat(node->export->proc_fds, name, times, 0) ? -errno : 0;
}

static int attr_truncate(struct export_node *node, struct export_file *file,
			 const struct export_caller *caller, const struct export_change *change)
{
	struct export *export = node->export;
	struct export_caller own = caller ? *caller : (struct export_caller){ 0 };
	struct export_ids ids;

	if (change->size > INT64_MAX)
		return -EFBIG;
	if (node->type != S_IFREG)
		return node->type == S_IFDIR ? -EISDIR : -EINVAL;
	own.kill_suidgid |= !!(change->valid & EXPORT_KILL_SUIDGID);
	int fd = file && (file->flags & O_ACCMODE) != O_RDONLY ? file->fd : -1;
	int opened = -1;
	if (fd < 0) {
		fd = opened = export_reopen(node, O_WRONLY);
		if (fd < 0)
			return fd;
	}
	int err = export_enter_write(export, fd, &own, &ids);
	if (!err && ftruncate(fd, change->size))
		err = -errno;
	export_leave(export, &ids);
	if (opened >= 0) {
		close(opened);
		export_unreserve_fd(export);
	}
	return err;
}

#define ATTR_OWNER (EXPORT_SET_UID | EXPORT_SET_GID)
#define ATTR_TIMES                                                                                 \
	(EXPORT_SET_ATIME | EXPORT_SET_MTIME | EXPORT_SET_ATIME_NOW | EXPORT_SET_MTIME_NOW)

/* The owner first, since it clears bits of the mode, and times last, since the size sets them. */
static int attr_change(struct export_node *node, int fd, struct export_file *file,
		       const struct export_caller *caller, const struct export_change *change)
{
	struct export *export = node->export;
	struct export_ids ids;
	int err = 0;

	if (change->valid & EXPORT_SET_SIZE)
		err = attr_truncate(node, file, caller, change);
	if (err)
		return err;
	err = export_enter_change(export, NULL, false, &ids);
	if (!err && (change->valid & ATTR_OWNER))
		err = attr_chown(node, fd, change);
	if (!err && (change->valid & EXPORT_SET_MODE))
		err = attr_chmod(node, fd, change->mode);
	if (!err && (change->valid & ATTR_TIMES))
		err = attr_set_times(node, fd, change);
	export_leave(export, &ids);
	return err;
}

int export_setattr(struct export_node *node, struct export_file *file,
		   const struct export_caller *caller, const struct export_change *change)
{
	int fd;

	if (export_readonly(node->export))
		return -EROFS;
	if (node->mount->kernels)
		return -EACCES;
	fd = export_use(node);
	if (fd < 0)
		return fd;
	int err = attr_change(node, fd, file, caller, change);
	export_unuse(node);
	return err;
}

/* ---- questions ---- */

/* R_OK, W_OK and X_OK of a caller without capabilities, unless it is root. */
int export_access(struct export_node *node, const struct export_caller *caller, u32 mask)
{
	struct export *export = node->export;
	struct export_attr attr;
	int err;

	mask &= R_OK | W_OK | X_OK;
	if ((mask & W_OK) && export_readonly(export) &&
	    (node->type == S_IFREG || node->type == S_IFDIR || node->type == S_IFLNK))
		return -EROFS;
	err = export_getattr(node, NULL, 0, &attr);
	if (err)
		return err;
	u32 mode = attr.statx.stx_mode;
	if (!caller || !caller->uid)
		return (mask & X_OK) && node->type == S_IFREG && !(mode & 0111) ? -EACCES : 0;
	u32 shift = caller->uid == attr.statx.stx_uid	? 6
		    : caller->gid == attr.statx.stx_gid ? 3
							: 0;
	return (mode >> shift & mask) == mask ? 0 : -EACCES;
}

ssize_t export_readlink(struct export_node *node, char *target, size_t size)
{
	int fd = export_use(node);

	if (fd < 0)
		return fd;
	ssize_t len = node->type == S_IFLNK ? readlinkat(fd, "", target, size) : -1;
	int err = node->type == S_IFLNK ? -errno : -EINVAL;
	export_unuse(node);
	return len < 0 ? err : len;
}

int export_statfs(struct export_node *node, struct statvfs *statvfs)
{
	int fd = export_use(node);

	if (fd < 0)
		return fd;
	int err = fstatvfs(fd, statvfs) ? -errno : 0;
	export_unuse(node);
	if (!err && export_readonly(node->export))
		statvfs->f_flag |= ST_RDONLY;
	return err;
}
