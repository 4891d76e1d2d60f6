// SPDX-License-Identifier: GPL-2.0-or-later
/* What the guest learns of objects, and changes of them. */
#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include "fuse-private.h"

#define ALWAYS_VALID 86400 /* seconds */

u64 fuse_valid(const struct fuse *fuse)
{
	switch (fuse->config.cache) {
	case FUSE_CACHE_NONE:
		return 0;
	case FUSE_CACHE_AUTO:
		return 1;
	default:
		return ALWAYS_VALID;
	}
}

/* As Linux encodes a device in 32 bits. */
static u32 attr_device(u32 major_nr, u32 minor_nr)
{
	return (minor_nr & 0xff) | major_nr << 8 | (minor_nr & ~0xffu) << 12;
}

static void attr_fill(struct fuse *fuse, const struct export_attr *attr, struct fuse_attr *out)
{
	const struct statx *stx = &attr->statx;

	*out = (struct fuse_attr){
		.ino = stx->stx_ino,
		.size = stx->stx_size,
		.blocks = stx->stx_blocks,
		.atime = stx->stx_atime.tv_sec,
		.mtime = stx->stx_mtime.tv_sec,
		.ctime = stx->stx_ctime.tv_sec,
		.atimensec = stx->stx_atime.tv_nsec,
		.mtimensec = stx->stx_mtime.tv_nsec,
		.ctimensec = stx->stx_ctime.tv_nsec,
		.mode = stx->stx_mode,
		.nlink = stx->stx_nlink,
		.uid = stx->stx_uid,
		.gid = stx->stx_gid,
		.rdev = attr_device(stx->stx_rdev_major, stx->stx_rdev_minor),
		.blksize = stx->stx_blksize,
	};
	if (attr->mount && fuse_agreed(fuse, FUSE_SUBMOUNTS))
		out->flags = FUSE_ATTR_SUBMOUNT;
}

void fuse_fill_entry(struct fuse *fuse, struct export_node *node, const struct export_attr *attr,
		     struct fuse_entry_out *out)
{
	*out = (struct fuse_entry_out){
		.nodeid = export_node_number(node),
		.entry_valid = fuse_valid(fuse),
		.attr_valid = fuse_valid(fuse),
	};
	attr_fill(fuse, attr, &out->attr);
	export_remember(node);
}

static int attr_put(struct fuse_call *call, const struct export_attr *attr)
{
	struct fuse_attr_out out = { .attr_valid = fuse_valid(call->fuse) };

	attr_fill(call->fuse, attr, &out.attr);
	return fuse_put(call, 0, &out, sizeof(out));
}

/* The open file that a request may name; a handle that is none is an error. */
static int attr_handle(struct fuse_call *call, bool given, u64 fh, struct export_file **file)
{
	*file = NULL;
	if (!given)
		return 0;
	*file = fuse_get_handle(call->fuse, call->header.nodeid, fh, NULL);
	return *file ? 0 : -EBADF;
}

static void attr_put_handle(struct export_file *file)
{
	if (file)
		export_file_put(file);
}

int fuse_do_getattr(struct fuse_call *call)
{
	const struct fuse_getattr_in *in = &call->getattr;
	struct export_file *file;
	struct export_attr attr;
	int err = attr_handle(call, in->getattr_flags & FUSE_GETATTR_FH, in->fh, &file);

	if (err)
		return err;
	err = export_getattr(call->node, file, STATX_BASIC_STATS, &attr);
	attr_put_handle(file);
	return err ?: attr_put(call, &attr);
}

int fuse_do_statx(struct fuse_call *call)
{
	const struct fuse_in_statx *in = &call->statx;
	struct fuse_out_statx out = { .attr_valid = fuse_valid(call->fuse) };
	u8 bytes[sizeof(struct statx)] = { 0 };
	struct export_file *file;
	struct export_attr attr;
	int err = attr_handle(call, in->getattr_flags & FUSE_GETATTR_FH, in->fh, &file);

	if (err)
		return err;
	err = export_getattr(call->node, file, STATX_BASIC_STATS | STATX_BTIME, &attr);
	attr_put_handle(file);
	if (err)
		return err;
	attr.statx.stx_mask &= STATX_BASIC_STATS | STATX_BTIME;
	/* Mount points of the host's are not the guest's. */
	attr.statx.stx_attributes = 0;
	attr.statx.stx_attributes_mask = 0;
	memcpy(bytes, &attr.statx, FUSE_STATX_USED);
	fuse_put(call, 0, &out, sizeof(out));
	return fuse_put(call, sizeof(out), bytes, sizeof(bytes));
}

/* ---- changes ---- */

static u32 attr_change_valid(u32 valid)
{
	static const struct {
		u32 theirs, ours;
	} bits[] = {
		{ FATTR_MODE, EXPORT_SET_MODE },
		{ FATTR_UID, EXPORT_SET_UID },
		{ FATTR_GID, EXPORT_SET_GID },
		{ FATTR_SIZE, EXPORT_SET_SIZE },
		{ FATTR_ATIME, EXPORT_SET_ATIME },
		{ FATTR_MTIME, EXPORT_SET_MTIME },
		{ FATTR_ATIME_NOW, EXPORT_SET_ATIME_NOW },
		{ FATTR_MTIME_NOW, EXPORT_SET_MTIME_NOW },
		{ FATTR_KILL_SUIDGID, EXPORT_KILL_SUIDGID },
	};
	u32 ours = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
		if (valid & bits[i].theirs)
			ours |= bits[i].ours;
	/* Linux sends the bit of the time as well. */
	if (ours & EXPORT_SET_ATIME_NOW)
		ours &= ~EXPORT_SET_ATIME;
	if (ours & EXPORT_SET_MTIME_NOW)
		ours &= ~EXPORT_SET_MTIME;
	return ours;
}

static int attr_change(struct fuse_call *call, struct export_file *file)
{
	const struct fuse_setattr_in *in = &call->setattr;
	const struct export_change change = {
		.valid = attr_change_valid(in->valid),
		.mode = in->mode & 07777,
		.uid = in->uid,
		.gid = in->gid,
		.size = in->size,
		.atime = { .tv_sec = in->atime, .tv_nsec = in->atimensec },
		.mtime = { .tv_sec = in->mtime, .tv_nsec = in->mtimensec },
	};

	/* A change time alone, of a guest that caches writes: the host keeps its own. */
	if (!(change.valid & ~EXPORT_KILL_SUIDGID))
		return 0;
	if ((change.valid & EXPORT_SET_SIZE) && change.size > INT64_MAX)
		return -EFBIG;
	if (((change.valid & EXPORT_SET_ATIME) && in->atimensec > 999999999) ||
	    ((change.valid & EXPORT_SET_MTIME) && in->mtimensec > 999999999))
		return -EINVAL;
	return export_setattr(call->node, file, &call->caller, &change);
}

int fuse_do_setattr(struct fuse_call *call)
{
	struct export_file *file;
	struct export_attr attr;
	int err = attr_handle(call, call->setattr.valid & FATTR_FH, call->setattr.fh, &file);

	if (err)
		return err;
	err = attr_change(call, file);
	if (!err)
		err = export_getattr(call->node, file, STATX_BASIC_STATS, &attr);
	attr_put_handle(file);
	return err ?: attr_put(call, &attr);
}

int fuse_do_access(struct fuse_call *call)
{
	return export_access(call->node, &call->caller, call->access.mask);
}

/* ---- the file system ---- */

int fuse_do_statfs(struct fuse_call *call)
{
	struct fuse_statfs_out out = { 0 };
	struct statvfs fs;
	int err = export_statfs(call->node, &fs);

	if (err)
		return err;
	out.st.blocks = fs.f_blocks;
	out.st.bfree = fs.f_bfree;
	out.st.bavail = fs.f_bavail;
	out.st.files = fs.f_files;
	out.st.ffree = fs.f_ffree;
	out.st.bsize = fs.f_bsize;
	out.st.frsize = fs.f_frsize;
	out.st.namelen = fs.f_namemax;
	return fuse_put(call, 0, &out, sizeof(out));
}

int fuse_do_syncfs(struct fuse_call *call)
{
	return export_syncfs(call->node);
}
