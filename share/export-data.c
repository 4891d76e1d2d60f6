// SPDX-License-Identifier: GPL-2.0-or-later
/* What an export's open files contain: between the file and the guest's buffers. */
#include <errno.h>
#include <linux/falloc.h>
#include <sys/uio.h>
#include <unistd.h>
#include "export-private.h"

#define DATA_WRITE_FLAGS (RWF_DSYNC | RWF_SYNC | RWF_APPEND)
#define DATA_FALLOCATE                                                                             \
	(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE |                       \
	 FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE)

ssize_t export_read(struct export_file *file, struct iovec *iov, unsigned nr, u64 offset)
{
	if (offset > INT64_MAX)
		return -EINVAL;
	ssize_t len = preadv(file->fd, iov, MIN(nr, (unsigned)IOV_MAX), offset);
	return len < 0 ? -errno : len;
}

ssize_t export_write(struct export_file *file, const struct export_caller *caller,
		     struct iovec *iov, unsigned nr, u64 offset, int flags)
{
	struct export *export = file->node->export;
	struct export_ids ids;

	if (offset > INT64_MAX)
		return -EFBIG;
	ssize_t err = export_enter_write(export, file->fd, caller, &ids);
	if (err)
		return err;
	ssize_t len = pwritev2(file->fd, iov, MIN(nr, (unsigned)IOV_MAX), offset,
			       flags & DATA_WRITE_FLAGS);
	err = -errno;
	export_leave(export, &ids);
	return len < 0 ? err : len;
}

int export_fsync(struct export_file *file, bool data_only)
{
	return (data_only ? fdatasync(file->fd) : fsync(file->fd)) ? -errno : 0;
}

/* Network file systems report at each close what could not be written. */
int export_flush(struct export_file *file)
{
	int fd = dup(file->fd);

	if (fd < 0)
		return -errno;
	return close(fd) ? -errno : 0;
}

int export_fallocate(struct export_file *file, const struct export_caller *caller, int mode,
		     u64 offset, u64 length)
{
	struct export *export = file->node->export;
	struct export_ids ids;

	if (mode & ~DATA_FALLOCATE)
		return -EOPNOTSUPP;
	if (offset > INT64_MAX || length > INT64_MAX)
		return -EFBIG;
	int err = export_enter_write(export, file->fd, caller, &ids);
	if (err)
		return err;
	if (fallocate(file->fd, mode, offset, length))
		err = -errno;
	export_leave(export, &ids);
	return err;
}

ssize_t export_lseek(struct export_file *file, u64 offset, int whence)
{
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	if (file->node->type != S_IFREG)
		return -EINVAL;
	if (offset > INT64_MAX)
		return -ENXIO;
	off_t found = lseek(file->fd, offset, whence);
	return found < 0 ? -errno : found;
}

ssize_t export_copy_range(struct export_file *from, u64 from_offset, struct export_file *to,
			  u64 to_offset, u64 length, const struct export_caller *caller)
{
	struct export *export = to->node->export;
	off_t in = from_offset, out = to_offset;
	struct export_ids ids;

	if (from_offset > INT64_MAX || to_offset > INT64_MAX)
		return -EINVAL;
	ssize_t err = export_enter_write(export, to->fd, caller, &ids);
	if (err)
		return err;
	ssize_t len = copy_file_range(from->fd, &in, to->fd, &out, MIN(length, (u64)SSIZE_MAX), 0);
	err = -errno;
	export_leave(export, &ids);
	return len < 0 ? err : len;
}

/* Wants an open file of the file system: a folder or regular file, which the object may not be. */
int export_syncfs(struct export_node *node)
{
	bool openable = node->type == S_IFREG || node->type == S_IFDIR;
	int fd = export_reopen(openable ? node : node->export->root, O_RDONLY);

	if (fd < 0)
		return fd;
	int err = syncfs(fd) ? -errno : 0;
	close(fd);
	export_unreserve_fd(node->export);
	return err;
}
