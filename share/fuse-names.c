// SPDX-License-Identifier: GPL-2.0-or-later
/* Names: finding what they stand for, making, moving and removing them; and what the guest knows, until it forgets. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include "fuse-private.h"

#define FORGETS_AT_ONCE 64u

/* node: counted once by the caller, which is over after this. */
static int names_put_entry(struct fuse_call *call, struct export_node *node,
			   const struct export_attr *attr)
{
	struct fuse_entry_out out;

	fuse_fill_entry(call->fuse, node, attr, &out);
	return fuse_put(call, 0, &out, sizeof(out));
}

/* ---- what the guest knows ---- */

/* As long as a name that is there would be believed, one is believed not to be there. */
static int names_put_none(struct fuse_call *call)
{
	struct fuse_entry_out out = { .entry_valid = fuse_valid(call->fuse) };

	if (!out.entry_valid)
		return -ENOENT;
	return fuse_put(call, 0, &out, sizeof(out));
}

int fuse_do_lookup(struct fuse_call *call)
{
	struct export_node *node = call->node;
	struct export_attr attr;
	u32 at = 0;
	const char *name = fuse_name(call, &at);
	int err;

	if (!name)
		return -EINVAL;
	/* A guest that gives the folder to others by NFS finds its way back so. */
	if (!strcmp(name, ".")) {
		err = export_getattr(node, NULL, STATX_BASIC_STATS, &attr);
		if (!err)
			export_node_get(node);
	} else if (!strcmp(name, "..")) {
		err = export_parent(call->node, &node, &attr);
	} else {
		err = export_lookup(call->node, name, &call->caller, &node, &attr);
	}
	if (err == -ENOENT)
		return names_put_none(call);
	return err ?: names_put_entry(call, node, &attr);
}

int fuse_do_forget(struct fuse_call *call)
{
	export_forget(call->fuse->export, call->header.nodeid, call->forget.nlookup);
	return 0;
}

int fuse_do_batch_forget(struct fuse_call *call)
{
	struct share_request *request = call->request;
	struct fuse_forget_one list[FORGETS_AT_ONCE];
	size_t at = sizeof(call->header) + sizeof(call->batch_forget);
	u32 left = (call->len - sizeof(call->batch_forget)) / sizeof(list[0]);

	left = MIN(left, call->batch_forget.count);
	while (left) {
		u32 nr = MIN(left, FORGETS_AT_ONCE);
		size_t len = nr * sizeof(list[0]);

		if (iov_read(request->out, request->nr_out, at, list, len) != len)
			return -EINVAL;
		for (u32 i = 0; i < nr; i++)
			export_forget(call->fuse->export, list[i].nodeid, list[i].nlookup);
		left -= nr;
		at += len;
	}
	return 0;
}

/* ---- making ---- */

/* An object that was made but cannot be labelled as asked was not made. */
static int names_made(struct fuse_call *call, u32 at, const char *name, bool folder,
		      struct export_node *node, const struct export_attr *attr)
{
	int err = fuse_label(call, at, node);

	if (!err)
		return names_put_entry(call, node, attr);
	export_node_put(node, 1);
	export_unlink(call->node, name, &call->caller, folder);
	return err;
}

static u64 names_device(u32 rdev)
{
	return makedev((rdev & 0xfff00) >> 8, (rdev & 0xff) | (rdev >> 12 & 0xfff00));
}

int fuse_do_mknod(struct fuse_call *call)
{
	u32 at = sizeof(call->mknod);
	const char *name = fuse_name(call, &at);
	struct export_node *node;
	struct export_attr attr;

	if (!name)
		return -EINVAL;
	call->caller.umask = call->mknod.umask & 0777;
	int err = export_mknod(call->node, name, &call->caller, call->mknod.mode,
			       names_device(call->mknod.rdev), &node, &attr);
	return err ?: names_made(call, at, name, false, node, &attr);
}

int fuse_do_mkdir(struct fuse_call *call)
{
	u32 at = sizeof(call->mkdir);
	const char *name = fuse_name(call, &at);
	struct export_node *node;
	struct export_attr attr;

	if (!name)
		return -EINVAL;
	call->caller.umask = call->mkdir.umask & 0777;
	int err = export_mkdir(call->node, name, &call->caller, call->mkdir.mode & 07777, &node,
			       &attr);
	return err ?: names_made(call, at, name, true, node, &attr);
}

int fuse_do_symlink(struct fuse_call *call)
{
	u32 at = 0;
	const char *name = fuse_name(call, &at), *target = fuse_name(call, &at);
	struct export_node *node;
	struct export_attr attr;

	if (!name || !target)
		return -EINVAL;
	int err = export_symlink(call->node, name, &call->caller, target, &node, &attr);
	return err ?: names_made(call, at, name, false, node, &attr);
}

int fuse_do_link(struct fuse_call *call)
{
	u32 at = sizeof(call->link);
	const char *name = fuse_name(call, &at);
	struct export_attr attr;

	if (!name)
		return -EINVAL;
	struct export_node *node = export_find(call->fuse->export, call->link.oldnodeid);
	if (!node)
		return -ESTALE;
	int err = export_link(node, call->node, name, &call->caller, &attr);
	if (!err)
		return names_put_entry(call, node, &attr);
	export_node_put(node, 1);
	return err;
}

/* ---- making and opening at once ---- */

static int names_put_opened(struct fuse_call *call, struct export_node *node,
			    const struct export_attr *attr, struct export_file *file)
{
	struct fuse *fuse = call->fuse;
	/* Of a new file nothing is cached. */
	struct fuse_open_out out = { .open_flags = fuse_open_flags(fuse, NULL) };
	int host = fuse_host_flags(fuse, call->create.flags);
	int err = fuse_add_handle(fuse, file, host & O_APPEND, &out.fh);

	if (err) {
		export_file_put(file);
		export_node_put(node, 1);
		return err;
	}
	return fuse_put(call, names_put_entry(call, node, attr), &out, sizeof(out));
}

static void names_take_create(struct fuse_call *call)
{
	call->caller.umask = call->create.umask & 0777;
	call->caller.kill_suidgid = call->create.open_flags & FUSE_OPEN_KILL_SUIDGID;
}

int fuse_do_create(struct fuse_call *call)
{
	const struct fuse_create_in *in = &call->create;
	u32 at = sizeof(*in);
	const char *name = fuse_name(call, &at);
	struct export_node *node;
	struct export_attr attr;
	struct export_file *file;

	if (!name)
		return -EINVAL;
	names_take_create(call);
	int flags = fuse_host_flags(call->fuse, in->flags) | (in->flags & O_EXCL);
	int err = export_create(call->node, name, &call->caller, flags, in->mode & 07777, &node,
				&attr, &file);
	if (err)
		return err;
	err = fuse_label(call, at, node);
	if (!err)
		return names_put_opened(call, node, &attr, file);
	export_file_put(file);
	export_node_put(node, 1);
	/* Otherwise it may have been there before. */
	if (in->flags & O_EXCL)
		export_unlink(call->node, name, &call->caller, false);
	return err;
}

int fuse_do_tmpfile(struct fuse_call *call)
{
	const struct fuse_create_in *in = &call->create;
	u32 at = sizeof(*in);
	struct export_node *node;
	struct export_attr attr;
	struct export_file *file;

	/* Linux sends one, which means nothing. */
	fuse_name(call, &at);
	names_take_create(call);
	int flags = fuse_host_flags(call->fuse, in->flags) | (in->flags & O_EXCL);
	int err = export_tmpfile(call->node, &call->caller, flags, in->mode & 07777, &node, &attr,
				 &file);
	if (err)
		return err;
	err = fuse_label(call, at, node);
	if (!err)
		return names_put_opened(call, node, &attr, file);
	export_file_put(file);
	export_node_put(node, 1);
	return err;
}

/* ---- removing and moving ---- */

static int names_remove(struct fuse_call *call, bool folder)
{
	u32 at = 0;
	const char *name = fuse_name(call, &at);

	return name ? export_unlink(call->node, name, &call->caller, folder) : -EINVAL;
}

int fuse_do_unlink(struct fuse_call *call)
{
	return names_remove(call, false);
}

int fuse_do_rmdir(struct fuse_call *call)
{
	return names_remove(call, true);
}

static int names_move(struct fuse_call *call, u32 at, u64 newdir, u32 flags)
{
	const char *name = fuse_name(call, &at), *new_name = fuse_name(call, &at);

	if (!name || !new_name)
		return -EINVAL;
	struct export_node *to = export_find(call->fuse->export, newdir);
	if (!to)
		return -ESTALE;
	int err = export_rename(call->node, name, to, new_name, &call->caller, flags);
	export_node_put(to, 1);
	return err;
}

int fuse_do_rename(struct fuse_call *call)
{
	return names_move(call, sizeof(call->rename), call->rename.newdir, 0);
}

int fuse_do_rename2(struct fuse_call *call)
{
	u32 flags = call->rename2.flags;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	return names_move(call, sizeof(call->rename2), call->rename2.newdir, flags);
}

int fuse_do_readlink(struct fuse_call *call)
{
	char target[PATH_MAX];
	ssize_t len = export_readlink(call->node, target, MIN(call->capacity, (u32)sizeof(target)));

	return len < 0 ? len : fuse_put(call, 0, target, len);
}
