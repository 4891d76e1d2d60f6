// SPDX-License-Identifier: GPL-2.0-or-later
/* Names below an export's folders: looked up, made, moved, removed, one at a time. */
#include <errno.h>
#include <string.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "export-private.h"
#include "export-xattr.h"

/* Renamed or removed by the host between two of our calls. */
#define NAMES_RETRIES 8

int export_check_name(const char *name)
{
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..") || strchr(name, '/'))
		return -EINVAL;
	return strlen(name) > NAME_MAX ? -ENAMETOOLONG : 0;
}

/* ---- looking up ---- */

static int names_open(struct export_node *parent, int folder, const char *name,
		      struct export_node **node, struct statx *stx)
{
	struct export *export = parent->export;
	int err = export_reserve_fd(export);

	if (err)
		return err;
	int fd = export_openat(folder, name);
	if (fd < 0) {
		export_unreserve_fd(export);
		return fd;
	}
	err = export_statx(fd, "", stx);
	if (!err)
		return export_node_obtain(export, parent, name, fd, stx, node);
	close(fd);
	export_unreserve_fd(export);
	return err;
}

int export_lookup_at(struct export_node *parent, int folder, const char *name,
		     struct export_node **node, struct export_attr *attr)
{
	struct statx stx;
	int err = export_statx(folder, name, &stx);

	if (err)
		return err;
	/* An object that is held open needs no second descriptor. */
	*node = export_node_known(parent->export, parent, name, &stx);
	if (!*node)
		err = names_open(parent, folder, name, node, &stx);
	if (!err && attr)
		export_fill_attr(*node, &stx, attr);
	return err;
}

int export_lookup(struct export_node *parent, const char *name, const struct export_caller *caller,
		  struct export_node **node, struct export_attr *attr)
{
	int err = export_check_name(name);

	if (err)
		return err;
	if (parent->type != S_IFDIR)
		return -ENOTDIR;
	if (parent->mount->kernels)
		return -EACCES;
	int folder = export_use(parent);
	if (folder < 0)
		return folder;
	err = export_lookup_at(parent, folder, name, node, attr);
	export_unuse(parent);
	return err;
}

/* ---- changing ---- */

int export_naming_begin(struct export_naming *naming, struct export_node *parent, const char *name,
			const struct export_caller *caller)
{
	int err = export_check_name(name);

	if (err)
		return err;
	if (parent->type != S_IFDIR)
		return -ENOTDIR;
	if (parent->mount->kernels)
		return -EACCES;
	naming->parent = parent;
	naming->folder = export_use(parent);
	if (naming->folder < 0)
		return naming->folder;
	err = export_enter_change(parent->export, caller, false, &naming->ids);
	if (err)
		export_unuse(parent);
	return err;
}

void export_naming_end(struct export_naming *naming)
{
	export_leave(naming->parent->export, &naming->ids);
	export_unuse(naming->parent);
}

/* Without a descriptor to answer with nothing is made. */
static int names_begin_making(struct export_naming *naming, struct export_node *parent,
			      const char *name, const struct export_caller *caller)
{
	int err = export_reserve_fd(parent->export);

	if (err)
		return err;
	export_unreserve_fd(parent->export);
	return export_naming_begin(naming, parent, name, caller);
}

/* An object that was made just now, unless err. The host may have put another in its place: that one is shown then. */
static int names_made(struct export_naming *naming, int err, const char *name,
		      struct export_node **node, struct export_attr *attr)
{
	export_leave(naming->parent->export, &naming->ids);
	if (!err)
		err = export_lookup_at(naming->parent, naming->folder, name, node, attr);
	export_unuse(naming->parent);
	return err;
}

u32 export_new_mode(struct export_node *parent, const struct export_caller *caller, u32 mode)
{
	if (!caller || !(caller->umask & mode & 0777))
		return mode;
	return export_has_default_acl(parent) ? mode : mode & ~(caller->umask & 0777);
}

int export_mknod(struct export_node *parent, const char *name, const struct export_caller *caller,
		 u32 mode, u64 device, struct export_node **node, struct export_attr *attr)
{
	struct export_naming naming;
	int err = names_begin_making(&naming, parent, name, caller);

	if (err)
		return err;
	mode = export_new_mode(parent, caller, mode);
	if (S_ISDIR(mode) || S_ISLNK(mode))
		err = -EINVAL;
	else if (mknodat(naming.folder, name, mode, device))
		err = -errno;
	return names_made(&naming, err, name, node, attr);
}

int export_mkdir(struct export_node *parent, const char *name, const struct export_caller *caller,
		 u32 mode, struct export_node **node, struct export_attr *attr)
{
	struct export_naming naming;
	int err = names_begin_making(&naming, parent, name, caller);

	if (err)
		return err;
	mode = export_new_mode(parent, caller, mode & 07777);
	if (mkdirat(naming.folder, name, mode))
		err = -errno;
	return names_made(&naming, err, name, node, attr);
}

int export_symlink(struct export_node *parent, const char *name, const struct export_caller *caller,
		   const char *target, struct export_node **node, struct export_attr *attr)
{
	struct export_naming naming;
	int err = names_begin_making(&naming, parent, name, caller);

	if (err)
		return err;
	if (symlinkat(target, naming.folder, name))
		err = -errno;
	return names_made(&naming, err, name, node, attr);
}

/* AT_EMPTY_PATH wants CAP_DAC_READ_SEARCH, and from Linux 6.10 on only the ids that opened it. */
static int names_link(struct export *export, int fd, int folder, const char *name)
{
	char number[16];

	if (!linkat(fd, "", folder, name, AT_EMPTY_PATH))
		return 0;
	if (errno != ENOENT)
		return -errno;
	snprintf(number, sizeof(number), "%d", fd);
	return linkat(export->proc_fds, number, folder, name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

int export_link(struct export_node *node, struct export_node *parent, const char *name,
		const struct export_caller *caller, struct export_attr *attr)
{
	struct export_naming naming;
	int fd = export_use(node);

	if (fd < 0)
		return fd;
	int err = export_naming_begin(&naming, parent, name, NULL);
	if (!err) {
		err = names_link(node->export, fd, naming.folder, name);
		export_naming_end(&naming);
	}
	if (!err)
		export_node_moved(node, parent, name);
	export_unuse(node);
	if (!err && attr)
		err = export_getattr(node, NULL, 0, attr);
	return err;
}

/*
 * The object of a name that is about to lose it, or to get another: used, so that it is still there afterwards, if the
 * guest knows it. NULL: it does not.
 */
static struct export_node *names_known(struct export_node *parent, int folder, const char *name)
{
	struct statx stx;

	if (export_statx(folder, name, &stx))
		return NULL;
	return export_node_use_known(parent->export, &stx);
}

static void names_put(struct export_node *node)
{
	if (!node)
		return;
	export_unuse(node);
	export_node_put(node, 1);
}

int export_unlink(struct export_node *parent, const char *name, const struct export_caller *caller,
		  bool folder)
{
	struct export_naming naming;
	struct export_node *victim = NULL;
	int fd;

	if (parent->type == S_IFDIR && !export_check_name(name) &&
	    !export_readonly(parent->export)) {
		fd = export_use(parent);
		if (fd < 0)
			return fd;
		victim = names_known(parent, fd, name);
		export_unuse(parent);
	}
	int err = export_naming_begin(&naming, parent, name, NULL);
	if (!err) {
		if (unlinkat(naming.folder, name, folder ? AT_REMOVEDIR : 0))
			err = -errno;
		export_naming_end(&naming);
	}
	if (!err && victim)
		export_node_lost(victim, parent, name);
	names_put(victim);
	return err;
}

static int names_rename(struct export_naming *naming, const char *name, int new_folder,
			const char *new_name, u32 flags)
{
	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	return renameat2(naming->folder, name, new_folder, new_name, flags) ? -errno : 0;
}

/* new_parent is used by the caller. */
static int names_rename_to(struct export_node *parent, const char *name,
			   struct export_node *new_parent, int new_folder, const char *new_name,
			   u32 flags)
{
	struct export_naming naming;
	int fd = export_use(parent);

	if (fd < 0)
		return fd;
	struct export_node *moved = names_known(parent, fd, name);
	struct export_node *target = names_known(new_parent, new_folder, new_name);
	int err = export_naming_begin(&naming, parent, name, NULL);
	if (!err) {
		err = names_rename(&naming, name, new_folder, new_name, flags);
		export_naming_end(&naming);
	}
	if (!err && moved)
		export_node_moved(moved, new_parent, new_name);
	if (!err && target && target != moved) {
		if (flags & RENAME_EXCHANGE)
			export_node_moved(target, parent, name);
		else
			export_node_lost(target, new_parent, new_name);
	}
	names_put(moved);
	names_put(target);
	export_unuse(parent);
	return err;
}

int export_rename(struct export_node *parent, const char *name, struct export_node *new_parent,
		  const char *new_name, const struct export_caller *caller, u32 flags)
{
	int err = export_check_name(name) ?: export_check_name(new_name);

	if (err)
		return err;
	if (export_readonly(parent->export))
		return -EROFS;
	if (parent->type != S_IFDIR || new_parent->type != S_IFDIR)
		return -ENOTDIR;
	if (new_parent->mount->kernels)
		return -EACCES;
	int new_folder = export_use(new_parent);
	if (new_folder < 0)
		return new_folder;
	err = names_rename_to(parent, name, new_parent, new_folder, new_name, flags);
	export_unuse(new_parent);
	return err;
}
