// SPDX-License-Identifier: GPL-2.0-or-later
/* Extended attributes, POSIX ACLs among them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include "fuse-private.h"

#define SMALL 4096

/* The caller's group does not own the file: what the kernel does for a local process. */
static int xattr_drop_setgid(struct fuse_call *call)
{
	struct export_change change = { .valid = EXPORT_SET_MODE };
	struct export_attr attr;
	int err = export_getattr(call->node, NULL, STATX_BASIC_STATS, &attr);

	if (err || !(attr.statx.stx_mode & S_ISGID))
		return err;
	change.mode = attr.statx.stx_mode & 07777 & ~S_ISGID;
	return export_setattr(call->node, NULL, &call->caller, &change);
}

static int xattr_set(struct fuse_call *call, const char *name, const void *value, u32 size)
{
	const struct fuse_setxattr_in *in = &call->setxattr;
	bool extended = fuse_agreed(call->fuse, FUSE_SETXATTR_EXT);

	if (in->flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	int err = export_setxattr(call->node, &call->caller, name, value, size, in->flags);
	if (!err && extended && (in->setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID))
		err = xattr_drop_setgid(call);
	return err;
}

int fuse_do_setxattr(struct fuse_call *call)
{
	struct share_request *request = call->request;
	bool extended = fuse_agreed(call->fuse, FUSE_SETXATTR_EXT);
	u32 at = extended ? sizeof(call->setxattr) : FUSE_COMPAT_SETXATTR_IN_SIZE;
	const char *name = fuse_name(call, &at);
	u32 size = call->setxattr.size;

	if (!name)
		return -EINVAL;
	if (size > EXPORT_MAX_XATTR)
		return -E2BIG;
	if (size > call->len - at)
		return -EINVAL;
	if (size <= call->copied - at)
		return xattr_set(call, name, call->args + at, size);

	void *value = malloc(size);
	if (!value)
		return -ENOMEM;
	at += sizeof(call->header);
	int err = -EINVAL;
	if (iov_read(request->out, request->nr_out, at, value, size) == size)
		err = xattr_set(call, name, value, size);
	free(value);
	return err;
}

int fuse_do_removexattr(struct fuse_call *call)
{
	u32 at = 0;
	const char *name = fuse_name(call, &at);

	return name ? export_removexattr(call->node, &call->caller, name) : -EINVAL;
}

/* name NULL: the list of all. */
static ssize_t xattr_ask(struct fuse_call *call, const char *name, void *buffer, size_t size)
{
	if (name)
		return export_getxattr(call->node, &call->caller, name, buffer, size);
	return export_listxattr(call->node, &call->caller, buffer, size);
}

static int xattr_put_size(struct fuse_call *call, const char *name)
{
	struct fuse_getxattr_out out = { 0 };

	if (call->capacity < sizeof(out))
		return -EINVAL;
	ssize_t len = xattr_ask(call, name, NULL, 0);
	if (len < 0)
		return len;
	out.size = len;
	return fuse_put(call, 0, &out, sizeof(out));
}

static int xattr_put(struct fuse_call *call, const char *name)
{
	u8 small[SMALL], *buffer = small;
	u32 size = MIN(call->getxattr.size, call->capacity);

	if (!call->getxattr.size)
		return xattr_put_size(call, name);
	/* Asked with no capacity for a byte, which would ask for the length. */
	if (!size)
		return -ERANGE;
	size = MIN(size, (u32)EXPORT_MAX_XATTR);
	if (size > sizeof(small)) {
		buffer = malloc(size);
		if (!buffer)
			return -ENOMEM;
	}
	ssize_t len = xattr_ask(call, name, buffer, size);
	if (len > 0)
		len = fuse_put(call, 0, buffer, len);
	if (buffer != small)
		free(buffer);
	return len;
}

int fuse_do_getxattr(struct fuse_call *call)
{
	u32 at = sizeof(call->getxattr);
	const char *name = fuse_name(call, &at);

	return name ? xattr_put(call, name) : -EINVAL;
}

int fuse_do_listxattr(struct fuse_call *call)
{
	return xattr_put(call, NULL);
}
