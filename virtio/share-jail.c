// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A mount namespace whose root is the folder, Landlock, and few capabilities. Each is tried, none is needed: the
 * export itself never follows a path out of the folder, so this is for what nobody thought of.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "share-jail.h"

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13) /* ABI 2, Linux 5.19 */
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) /* ABI 3, Linux 6.2 */
#endif
/* All of the first ABI: execute to make-symlink. */
#define LANDLOCK_FS_FIRST ((1ULL << 13) - 1)

/* ---- namespaces ---- */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* An ordinary user stays who he is: only his ids exist there. */
static bool keep_ids(uid_t uid, gid_t gid)
{
	char users[40], groups[40];
	bool done;

	snprintf(users, sizeof(users), "%u %u 1", uid, uid);
	snprintf(groups, sizeof(groups), "%u %u 1", gid, gid);
	/* The files belong to root while the process cannot be dumped. */
	prctl(PR_SET_DUMPABLE, 1);
	done = write_file("/proc/self/setgroups", "deny") &&
	       write_file("/proc/self/uid_map", users) && write_file("/proc/self/gid_map", groups);
	prctl(PR_SET_DUMPABLE, 0);
	return done;
}

static bool jail_namespaces(bool root, unsigned *got)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWNS | (root ? 0 : CLONE_NEWUSER)))
		return false;
	if (!root && !keep_ids(uid, gid))
		return false;
	if (!unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS))
		*got |= SHARE_JAIL_NETWORK;
	return true;
}

/* The tree of mounts that begins at the folder is put over the root and becomes it. */
static bool jail_root(int *folder)
{
	int tree, inside;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	/* The descriptor is of the old namespace; the working folder moved along into the new one. */
	tree = syscall(SYS_open_tree, AT_FDCWD, ".",
		       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0)
		return false;
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) ||
	    fchdir(tree)) {
		close(tree);
		return false;
	}
	close(tree);
	/* Where the root is the kernel's first file system it cannot be exchanged, only left. */
	if (!syscall(SYS_pivot_root, ".", "."))
		umount2(".", MNT_DETACH);
	else if (chroot("."))
		return false;
	inside = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (inside < 0)
		return false;
	close(*folder);
	*folder = inside;
	return true;
}

/* ---- Landlock ---- */

static bool jail_landlock(int folder)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_FS_FIRST };
	struct landlock_path_beneath_attr beneath = { .parent_fd = folder };
	int abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	int ruleset;
	bool done;

	/* The first one forbids a rename from one folder to another. */
	if (abi < 2)
		return false;
	attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		attr.handled_access_fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	beneath.allowed_access = attr.handled_access_fs;
	ruleset = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0)
		return false;
	done = !syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) &&
	       !syscall(SYS_landlock_restrict_self, ruleset, 0);
	close(ruleset);
	return done;
}

/* ---- capabilities ---- */

#define KEEP(cap) (1ULL << (cap))
#define KEPT                                                                                       \
	(KEEP(CAP_CHOWN) | KEEP(CAP_DAC_OVERRIDE) | KEEP(CAP_DAC_READ_SEARCH) | KEEP(CAP_FOWNER) | \
	 KEEP(CAP_FSETID) | KEEP(CAP_SETUID) | KEEP(CAP_SETGID) | KEEP(CAP_MKNOD) |                \
	 KEEP(CAP_SETFCAP))

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (!(KEPT & KEEP(cap)))
			prctl(PR_CAPBSET_DROP, cap);
	if (syscall(SYS_capget, &header, caps))
		return;
	for (unsigned i = 0; i < 2; i++) {
		caps[i].permitted &= KEPT >> (32 * i);
		caps[i].effective = caps[i].permitted;
		caps[i].inheritable = 0;
	}
	syscall(SYS_capset, &header, caps);
}

int share_jail(int *folder)
{
	unsigned got = 0;

	if (!fchdir(*folder) && jail_namespaces(!geteuid(), &got) && jail_root(folder))
		got |= SHARE_JAIL_ROOT;
	if (jail_landlock(*folder))
		got |= SHARE_JAIL_LANDLOCK;
	drop_capabilities();
	return got;
}
