// SPDX-License-Identifier: GPL-2.0-or-later
/* Extended attributes of an export's objects. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "export-private.h"
#include "export-xattr.h"

#define XATTR_ACL	  "system.posix_acl_access"
#define XATTR_DEFAULT_ACL "system.posix_acl_default"

/* ---- names ---- */

static bool xattr_is_acl(const char *name)
{
	return !strcmp(name, XATTR_ACL) || !strcmp(name, XATTR_DEFAULT_ACL);
}

static int xattr_check_name(const struct export_node *node, const char *name)
{
	static const char *const spaces[] = { "user.", "security.", "trusted." };

	if (node->type == S_IFLNK || node->mount->kernels)
		return -EOPNOTSUPP;
	if (strlen(name) > 255)
		return -ERANGE;
	for (unsigned i = 0; i < ARRAY_SIZE(spaces); i++)
		if (!strncmp(name, spaces[i], strlen(spaces[i])))
			return name[strlen(spaces[i])] ? 0 : -EINVAL;
	return xattr_is_acl(name) ? 0 : -EOPNOTSUPP;
}

/* The calls take paths, and no O_PATH descriptors: this is one, in the working folder, which is /proc/self/fd. */
struct xattr_path {
	char name[16];
};

static int xattr_begin(struct export_node *node, struct xattr_path *path)
{
	int fd = export_use(node);

	if (fd < 0)
		return fd;
	snprintf(path->name, sizeof(path->name), "%d", fd);
	return 0;
}

/* ---- ids in ACLs ---- */

#define ACL_VERSION 2
#define ACL_USER    2
#define ACL_GROUP   8

struct xattr_acl_entry {
	le16 tag, permissions;
	le32 id;
};

_Static_assert(sizeof(struct xattr_acl_entry) == 8, "the kernel's");

static int xattr_translate_id(const struct export *export, bool to_host, bool group, le32 *id)
{
	u32 other = export_id_to_guest(export, group, le32toh(*id));
	int err = to_host ? export_id_to_host(export, group, le32toh(*id), &other) : 0;

	*id = htole32(other);
	return err;
}

/* In place. What is no ACL is left to the host to refuse. */
static int xattr_translate_acl(const struct export *export, bool to_host, void *value, size_t size)
{
	u8 *bytes = value;
	le32 version;
	int err = 0;

	if (export->config.root || size < sizeof(version))
		return 0;
	memcpy(&version, bytes, sizeof(version));
	if (le32toh(version) != ACL_VERSION)
		return 0;
	for (size_t at = sizeof(version); !err && size - at >= sizeof(struct xattr_acl_entry);
	     at += sizeof(struct xattr_acl_entry)) {
		struct xattr_acl_entry entry;

		memcpy(&entry, bytes + at, sizeof(entry));
		if (le16toh(entry.tag) != ACL_USER && le16toh(entry.tag) != ACL_GROUP)
			continue;
		err = xattr_translate_id(export, to_host, le16toh(entry.tag) == ACL_GROUP,
					 &entry.id);
		memcpy(bytes + at, &entry, sizeof(entry));
	}
	return err;
}

bool export_has_default_acl(struct export_node *folder)
{
	struct xattr_path path;

	if (xattr_begin(folder, &path))
		return false;
	bool has = getxattr(path.name, XATTR_DEFAULT_ACL, NULL, 0) > 0;
	export_unuse(folder);
	return has;
}

/* ---- the calls ---- */

ssize_t export_getxattr(struct export_node *node, const struct export_caller *caller,
			const char *name, void *value, size_t size)
{
	struct xattr_path path;
	int err = xattr_check_name(node, name) ?: xattr_begin(node, &path);

	if (err)
		return err;
	ssize_t len = getxattr(path.name, name, value, MIN(size, (size_t)EXPORT_MAX_XATTR));
	err = -errno;
	export_unuse(node);
	if (len < 0)
		return err;
	if (size && xattr_is_acl(name))
		xattr_translate_acl(node->export, false, value, len);
	return len;
}

ssize_t export_listxattr(struct export_node *node, const struct export_caller *caller, char *names,
			 size_t size)
{
	struct xattr_path path;
	int err;

	if (node->type == S_IFLNK || node->mount->kernels)
		return 0;
	err = xattr_begin(node, &path);
	if (err)
		return err;
	ssize_t len = listxattr(path.name, names, MIN(size, (size_t)EXPORT_MAX_XATTR));
	err = -errno;
	export_unuse(node);
	return len < 0 ? err : len;
}

/* The kernel takes no more than XATTR_SIZE_MAX, which is EXPORT_MAX_XATTR. */
static int xattr_set(struct export_node *node, const char *path, const char *name,
		     const void *value, size_t size, int flags)
{
	if (size > EXPORT_MAX_XATTR)
		return -E2BIG;
	if (!xattr_is_acl(name))
		return setxattr(path, name, value, size, flags) ? -errno : 0;
	void *copy = malloc(size + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, size);
	int err = xattr_translate_acl(node->export, true, copy, size);
	if (!err && setxattr(path, name, copy, size, flags))
		err = -errno;
	free(copy);
	return err;
}

static int xattr_begin_change(struct export_node *node, const char *name, struct xattr_path *path,
			      struct export_ids *ids)
{
	int err;

	if (export_readonly(node->export))
		return -EROFS;
	err = xattr_check_name(node, name) ?: xattr_begin(node, path);
	if (err)
		return err;
	err = export_enter_change(node->export, NULL, false, ids);
	if (err)
		export_unuse(node);
	return err;
}

int export_setxattr(struct export_node *node, const struct export_caller *caller, const char *name,
		    const void *value, size_t size, int flags)
{
	struct xattr_path path;
	struct export_ids ids;
	int err = xattr_begin_change(node, name, &path, &ids);

	if (err)
		return err;
	err = xattr_set(node, path.name, name, value, size, flags & (XATTR_CREATE | XATTR_REPLACE));
	export_leave(node->export, &ids);
	export_unuse(node);
	return err;
}

int export_removexattr(struct export_node *node, const struct export_caller *caller,
		       const char *name)
{
	struct xattr_path path;
	struct export_ids ids;
	int err = xattr_begin_change(node, name, &path, &ids);

	if (err)
		return err;
	if (removexattr(path.name, name))
		err = -errno;
	export_leave(node->export, &ids);
	export_unuse(node);
	return err;
}
