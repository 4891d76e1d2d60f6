// SPDX-License-Identifier: GPL-2.0-or-later
/* 9P requests about attributes, extended ones as well. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include "9p-private.h"

/* Of Linux's 9P, told for any file system. */
#define P9_FS_MAGIC 0x01021997u

int p9_do_statfs(struct p9_call *call)
{
	struct export_node *node = p9_fid_node(call->fid);
	struct statvfs st;
	int err = export_statfs(node, &st);

	export_node_put(node, 1);
	if (err)
		return err;
	p9_put_u32(call, P9_FS_MAGIC);
	p9_put_u32(call, st.f_bsize);
	p9_put_u64(call, st.f_blocks);
	p9_put_u64(call, st.f_bfree);
	p9_put_u64(call, st.f_bavail);
	p9_put_u64(call, st.f_files);
	p9_put_u64(call, st.f_ffree);
	p9_put_u64(call, st.f_fsid);
	p9_put_u32(call, st.f_namemax);
	return 0;
}

/* ---- getattr ---- */

#define GETATTR_BASIC 0x7ffu
#define GETATTR_BTIME 0x800u

static void put_time(struct p9_call *call, const struct statx_timestamp *time)
{
	p9_put_u64(call, time->tv_sec);
	p9_put_u64(call, time->tv_nsec);
}

static int fid_getattr(struct p9_fid *fid, u32 mask, struct export_attr *attr)
{
	struct export_node *node = p9_fid_node(fid);
	struct export_file *file = p9_fid_file(fid);
	int err = export_getattr(node, file, mask, attr);

	if (file)
		export_file_put(file);
	export_node_put(node, 1);
	return err;
}

/* All fields are there, whether they were asked for or not. */
int p9_do_getattr(struct p9_call *call)
{
	struct export_attr attr;
	const struct statx *stx = &attr.statx;
	int err = fid_getattr(call->fid, STATX_BASIC_STATS | STATX_BTIME, &attr);

	if (err)
		return err;
	p9_put_u64(call, GETATTR_BASIC | (stx->stx_mask & STATX_BTIME ? GETATTR_BTIME : 0));
	p9_put_qid(call, &attr);
	p9_put_u32(call, stx->stx_mode);
	p9_put_u32(call, stx->stx_uid);
	p9_put_u32(call, stx->stx_gid);
	p9_put_u64(call, stx->stx_nlink);
	/* As the guest's kernel takes it apart: new_decode_dev() of 32 bits. */
	p9_put_u64(call, (stx->stx_rdev_minor & 0xff) | stx->stx_rdev_major << 8 |
				 (u64)(stx->stx_rdev_minor & ~0xffu) << 12);
	p9_put_u64(call, stx->stx_size);
	p9_put_u64(call, stx->stx_blksize);
	p9_put_u64(call, stx->stx_blocks);
	put_time(call, &stx->stx_atime);
	put_time(call, &stx->stx_mtime);
	put_time(call, &stx->stx_ctime);
	put_time(call, &stx->stx_btime);
	p9_put_u64(call, 0); /* generation */
	p9_put_u64(call, 0); /* version of the data */
	return 0;
}

/* ---- setattr ---- */

#define SETATTR_MODE	  BIT(0)
#define SETATTR_UID	  BIT(1)
#define SETATTR_GID	  BIT(2)
#define SETATTR_SIZE	  BIT(3)
#define SETATTR_ATIME	  BIT(4)
#define SETATTR_MTIME	  BIT(5)
#define SETATTR_ATIME_SET BIT(7)
#define SETATTR_MTIME_SET BIT(8)

static u32 change_of(u32 valid)
{
	u32 change = 0;

	if (valid & SETATTR_MODE)
		change |= EXPORT_SET_MODE;
	if (valid & SETATTR_UID)
		change |= EXPORT_SET_UID;
	if (valid & SETATTR_GID)
		change |= EXPORT_SET_GID;
	if (valid & SETATTR_SIZE)
		change |= EXPORT_SET_SIZE | EXPORT_KILL_SUIDGID;
	if (valid & SETATTR_ATIME)
		change |= valid & SETATTR_ATIME_SET ? EXPORT_SET_ATIME : EXPORT_SET_ATIME_NOW;
	if (valid & SETATTR_MTIME)
		change |= valid & SETATTR_MTIME_SET ? EXPORT_SET_MTIME : EXPORT_SET_MTIME_NOW;
	return change;
}

static struct timespec read_time(struct p9_call *call)
{
	struct timespec time = { .tv_sec = p9_u64(call) };

	time.tv_nsec = p9_u64(call);
	return time;
}

static bool time_good(const struct timespec *time)
{
	return time->tv_nsec >= 0 && time->tv_nsec < 1000000000;
}

int p9_do_setattr(struct p9_call *call)
{
	const struct export_caller caller = p9_caller(call, call->fid, 0);
	struct export_change change = { .valid = change_of(p9_u32(call)) };
	struct export_node *node;
	struct export_file *file;
	int err;

	change.mode = p9_u32(call) & 07777;
	change.uid = p9_u32(call);
	change.gid = p9_u32(call);
	change.size = p9_u64(call);
	change.atime = read_time(call);
	change.mtime = read_time(call);
	/* Older kernels leave what is not to be set as it was in their memory. */
	if (call->bad || (change.valid & EXPORT_SET_ATIME && !time_good(&change.atime)) ||
	    (change.valid & EXPORT_SET_MTIME && !time_good(&change.mtime)))
		return -EINVAL;
	/* A change of the time of change alone: it comes with whatever is changed. */
	if (!change.valid)
		return 0;
	node = p9_fid_node(call->fid);
	file = p9_fid_file(call->fid);
	err = export_setattr(node, file, &caller, &change);
	/* A file that was opened to be read can be cut by its name. */
	if (file)
		export_file_put(file);
	if (err == -EBADF || (err == -EINVAL && file))
		err = export_setattr(node, NULL, &caller, &change);
	export_node_put(node, 1);
	return err;
}

/* ---- extended attributes ---- */

static ssize_t xattr_get(struct export_node *node, const struct export_caller *caller,
			 const char *name, void *value, size_t size)
{
	return *name ? export_getxattr(node, caller, name, value, size)
		     : export_listxattr(node, caller, value, size);
}

/* *xattr is what there is, to be read. */
static int xattr_load(struct p9_call *call, struct export_node *node, const char *name,
		      struct p9_xattr **xattr)
{
	const struct export_caller caller = p9_caller(call, call->fid, 0);
	ssize_t size = xattr_get(node, &caller, name, NULL, 0), len;

	if (size < 0)
		return size;
	*xattr = p9_xattr_new(call->server, name, size);
	if (!*xattr)
		return -ENOMEM;
	len = size ? xattr_get(node, &caller, name, (*xattr)->value, size) : 0;
	if (len >= 0)
		/* One that became smaller meanwhile. */
		(*xattr)->written = len;
	return MIN(len, 0);
}

int p9_do_xattrwalk(struct p9_call *call)
{
	struct p9_server *server = call->server;
	u32 number = p9_u32(call);
	struct p9_xattr *xattr = NULL;
	char name[NAME_MAX + 1];
	struct export_node *node;
	struct p9_fid *fid;
	int err;

	p9_string(call, name, sizeof(name));
	if (call->bad)
		return -EINVAL;
	node = p9_fid_node(call->fid);
	fid = p9_fid_new(server, number, call->fid->uid, node);
	if (!fid) {
		export_node_put(node, 1);
		return -ENOMEM;
	}
	err = xattr_load(call, node, name, &xattr);
	fid->xattr = xattr;
	if (!err)
		err = p9_fid_add(server, fid);
	if (!err)
		p9_put_u64(call, xattr->written);
	p9_fid_put(server, fid);
	return err;
}

int p9_do_xattrcreate(struct p9_call *call)
{
	struct p9_fid *fid = call->fid;
	char name[NAME_MAX + 1];
	struct p9_xattr *xattr;
	int err = 0;

	p9_string(call, name, sizeof(name));
	u64 size = p9_u64(call);
	u32 flags = p9_u32(call);
	if (call->bad || !*name)
		return -EINVAL;
	if (size > EXPORT_MAX_XATTR)
		return -E2BIG;
	pthread_mutex_lock(&fid->lock);
	if (fid->file || fid->xattr)
		err = -EBUSY;
	xattr = err ? NULL : p9_xattr_new(call->server, name, size);
	if (!err && !xattr)
		err = -ENOMEM;
	if (!err) {
		xattr->create = true;
		xattr->flags = flags;
		fid->xattr = xattr;
	}
	pthread_mutex_unlock(&fid->lock);
	return err;
}

/* Nobody else has the fid any more, but for a write that is under way. */
int p9_xattr_finish(struct p9_call *call, struct p9_fid *fid)
{
	const struct export_caller caller = p9_caller(call, fid, 0);
	struct p9_xattr *xattr;
	int err = 0;

	pthread_mutex_lock(&fid->lock);
	xattr = fid->xattr;
	if (xattr && xattr->create) {
		if (xattr->written < xattr->size)
			err = -EIO;
		else if (!xattr->size && !(xattr->flags & XATTR_CREATE))
			err = export_removexattr(fid->node, &caller, xattr->name);
		else
			err = export_setxattr(fid->node, &caller, xattr->name, xattr->value,
					      xattr->size, xattr->flags);
	}
	pthread_mutex_unlock(&fid->lock);
	return err;
}
