// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end of a request that makes an object: security contexts, which become xattrs of it, and the caller's group, which is
 * not needed: the guest's kernel has checked what the caller may do, and the host does not ask again.
 */
#include <errno.h>
#include <linux/xattr.h>
#include <string.h>
#include "fuse-private.h"

#define RECORD(len) ALIGN_UP(len, 8u)

/* A file system without labels, or a helper that may not set them: the guest finds none, as on all other objects there. */
static bool label_is_optional(int err)
{
	return err == -EOPNOTSUPP || err == -EPERM;
}

static int label_set(struct fuse_call *call, u32 *at, u32 end, struct export_node *node)
{
	u32 start = *at;
	struct fuse_secctx context;

	if (end - start < sizeof(context))
		return -EINVAL;
	memcpy(&context, call->args + start, sizeof(context));
	start += sizeof(context);
	const char *name = (const char *)call->args + start;
	size_t length = strnlen(name, end - start);
	start += length + 1;
	if (start > end || context.size > end - start)
		return -EINVAL;
	/* Only these are labels. */
	if (strncmp(name, XATTR_SECURITY_PREFIX, XATTR_SECURITY_PREFIX_LEN))
		return -EINVAL;
	int err = export_setxattr(node, NULL, name, call->args + start, context.size, 0);
	if (err && !label_is_optional(err))
		return err;
	*at += MIN(RECORD(start + context.size - *at), end - *at);
	return 0;
}

static int labels_set(struct fuse_call *call, u32 at, u32 end, u32 nr, struct export_node *node)
{
	for (; nr; nr--) {
		int err = label_set(call, &at, end, node);

		if (err)
			return err;
	}
	return 0;
}

int fuse_label(struct fuse_call *call, u32 at, struct export_node *node)
{
	struct fuse_extension extension;

	if (!fuse_agreed(call->fuse, FUSE_SECURITY_CTX | FUSE_INIT_CREATE_SUPP_GROUP))
		return 0;
	while (call->copied - at >= sizeof(extension)) {
		memcpy(&extension, call->args + at, sizeof(extension));
		if (extension.size < sizeof(extension) || extension.size > call->copied - at)
			return -EINVAL;
		if (extension.type <= FUSE_MAX_NR_SECCTX) {
			int err = labels_set(call, at + sizeof(extension), at + extension.size,
					     extension.type, node);
			if (err)
				return err;
		}
		at += MIN(RECORD(extension.size), call->copied - at);
	}
	return 0;
}
