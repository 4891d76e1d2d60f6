// SPDX-License-Identifier: GPL-2.0-or-later
/* On whose behalf things are done in an exported folder: owners, set-uid bits, ACLs, umask. */
#include <linux/capability.h>
#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/xattr.h>
#include "export_folder.h"

#define STRANGER 4321

static struct export_change mode_change(u32 mode)
{
	return (struct export_change){ .valid = EXPORT_SET_MODE, .mode = mode };
}

static void set_mode(struct export_node *node, u32 mode)
{
	struct export_change change = mode_change(mode);

	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), 0);
	assert_int_equal(attr_of(node).stx_mode & 07777, mode);
}

static u32 mode_of(struct export_node *node)
{
	return attr_of(node).stx_mode & 07777;
}

static struct export_change owner_change(u32 uid, u32 gid)
{
	return (struct export_change){ .valid = EXPORT_SET_UID | EXPORT_SET_GID,
				       .uid = uid,
				       .gid = gid };
}

/* ---- root's ids are true ---- */

static void test_owners(void **state)
{
	struct export_change change = owner_change(STRANGER, STRANGER + 1);
	struct export_node *node;
	struct export_attr attr;
	struct export_file *file;

	/* Also where the folder is another's: the guest's kernel has decided. */
	assert_int_equal(export_mkdir(root, "dir", &guest_user, 0755, &node, &attr), 0);
	assert_int_equal(host_stat("dir").st_uid, 1000);
	assert_int_equal(host_stat("dir").st_gid, 1000);
	put(node);
	assert_int_equal(
		export_create(root, "file", &guest_user, O_RDWR, 0600, &node, &attr, &file), 0);
	assert_int_equal(attr.statx.stx_uid, 1000);
	export_file_put(file);
	/* The caller's ids are not those of the next call. */
	assert_int_equal(setfsuid(-1), 0);
	assert_int_equal(setfsgid(-1), 0);
	put(make_folder(root, "roots"));
	assert_int_equal(host_stat("roots").st_uid, 0);
	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), 0);
	assert_int_equal(host_stat("file").st_uid, STRANGER);
	assert_int_equal(host_stat("file").st_gid, STRANGER + 1);
	put(node);
	assert_int_equal(export_symlink(root, "link", &guest_user, "file", &node, NULL), 0);
	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), 0);
	assert_int_equal(host_stat("link").st_uid, STRANGER);
	put(node);
	/* -1 is nobody's id: setfsuid(2) leaves the old one. */
	const struct export_caller none = { .uid = -1, .gid = -1 };
	assert_int_equal(export_mkdir(root, "none", &none, 0755, &node, NULL), -EPERM);
}

/* A group that is inherited. */
static void test_inherited_group(void **state)
{
	struct export_node *folder = make_folder(root, "dir"), *node;
	struct export_change change = owner_change(STRANGER, STRANGER);
	struct export_attr attr;

	assert_int_equal(export_setattr(folder, NULL, &guest_root, &change), 0);
	set_mode(folder, 02777);
	assert_int_equal(export_mkdir(folder, "below", &guest_user, 0755, &node, &attr), 0);
	assert_int_equal(attr.statx.stx_gid, STRANGER);
	assert_int_equal(attr.statx.stx_mode & 07777, 02755);
	put(node);
	put(folder);
}

/* ---- set-uid, set-gid, capabilities of files ---- */

static const struct vfs_cap_data some_caps = { .magic_etc = VFS_CAP_REVISION_2,
					       .data = { { .permitted = 1 << CAP_NET_RAW } } };

static void arm_file(struct export_node *node)
{
	assert_int_equal(export_setxattr(node, &guest_root, "security.capability", &some_caps,
					 XATTR_CAPS_SZ_2, 0),
			 0);
	set_mode(node, 06755);
}

static void assert_disarmed(struct export_node *node)
{
	assert_int_equal(mode_of(node), 0755);
	assert_int_equal(export_getxattr(node, &guest_root, "security.capability", NULL, 0),
			 -ENODATA);
}

static void test_kill_on_change(void **state)
{
	const struct export_caller kill = { .kill_suidgid = true };
	struct export_change change = { .valid = EXPORT_SET_SIZE, .size = 4 };
	struct export_file *file, *other;
	struct export_node *node = make_file(root, "file", &file);
	struct iovec iov = { (void *)"x", 1 };

	/* Root keeps the bits, as a local root does; capabilities of files go with any write. */
	arm_file(node);
	assert_int_equal(put_bytes(file, "x", 0), 1);
	assert_int_equal(mode_of(node), 06755);
	assert_int_equal(export_write(file, &kill, &iov, 1, 0, 0), 1);
	assert_disarmed(node);
	arm_file(node);
	assert_int_equal(export_write(file, &guest_user, &iov, 1, 0, 0), 1);
	assert_disarmed(node);
	/* Of the caller before: */
	arm_file(node);
	assert_int_equal(put_bytes(file, "x", 0), 1);
	assert_int_equal(mode_of(node), 06755);

	assert_int_equal(export_setattr(node, file, &guest_root, &change), 0);
	assert_int_equal(mode_of(node), 06755);
	change.valid |= EXPORT_KILL_SUIDGID;
	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), 0);
	assert_disarmed(node);
	arm_file(node);
	assert_int_equal(export_open_file(node, &kill, O_WRONLY | O_TRUNC, &other), 0);
	export_file_put(other);
	assert_disarmed(node);
	arm_file(node);
	assert_int_equal(export_fallocate(file, &kill, 0, 0, 4096), 0);
	assert_disarmed(node);
	/* An owner's change is nobody's privilege. */
	arm_file(node);
	change = owner_change(STRANGER, STRANGER);
	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), 0);
	assert_disarmed(node);
	/* Unless the same call sets the mode: */
	change.valid |= EXPORT_SET_MODE;
	change.mode = 04711;
	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), 0);
	assert_int_equal(mode_of(node), 04711);
	export_file_put(file);
	put(node);
}

static void *as_user_thread(void *arg)
{
	char name[16];

	for (unsigned i = 0; i < 200; i++) {
		struct export_caller caller = { .uid = (uintptr_t)arg, .gid = (uintptr_t)arg };
		struct export_node *node;
		struct export_attr attr;

		snprintf(name, sizeof(name), "%u-%u", caller.uid, i);
		if (export_mkdir(root, name, &caller, 0755, &node, &attr) ||
		    attr.statx.stx_uid != caller.uid || attr.statx.stx_gid != caller.gid)
			return arg;
		put(node);
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[4];
	void *failed;

	for (uintptr_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, as_user_thread, (void *)(100 + i)), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(threads); i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

/* ---- ACLs ---- */

struct acl {
	u32 version;
	struct {
		u16 tag, permissions;
		u32 id;
	} entries[5];
};

static struct acl acl_for(u32 uid)
{
	return (struct acl){
		2, { { 1, 7, -1 }, { 2, 6, uid }, { 4, 5, -1 }, { 16, 7, -1 }, { 32, 0, -1 } }
	};
}

static void test_acls(void **state)
{
	const struct export_caller masked = { .umask = 077 };
	struct export_node *folder = make_folder(root, "dir"), *node;
	struct acl acl = acl_for(as_root ? STRANGER : 0), got;
	struct export_attr attr;
	struct export_file *file;

	int err = export_setxattr(folder, &guest_root, "system.posix_acl_default", &acl,
				  sizeof(acl), 0);
	if (err == -EOPNOTSUPP)
		ELSEWHERE("not offered here");
	assert_int_equal(err, 0);
	assert_int_equal(export_getxattr(folder, &guest_root, "system.posix_acl_default", &got,
					 sizeof(got)),
			 sizeof(got));
	assert_memory_equal(&got, &acl, sizeof(acl));
	struct acl on_host;
	assert_int_equal(getxattr(path_of("dir"), "system.posix_acl_default", &on_host,
				  sizeof(on_host)),
			 sizeof(on_host));
	assert_int_equal(on_host.entries[1].id, as_root ? STRANGER : NOBODY);
	/* Where there is one the umask does not count. */
	assert_int_equal(export_create(folder, "file", &masked, O_RDWR, 0666, &node, &attr, &file),
			 0);
	assert_int_equal(attr.statx.stx_mode & 0777, 0660);
	export_file_put(file);
	put(node);
	assert_int_equal(export_mkdir(folder, "sub", &masked, 0777, &node, &attr), 0);
	assert_int_equal(attr.statx.stx_mode & 0777, 0770);
	assert_true(export_getxattr(node, &guest_root, "system.posix_acl_access", NULL, 0) > 0);
	put(node);
	assert_int_equal(export_removexattr(folder, &guest_root, "system.posix_acl_default"), 0);
	assert_int_equal(export_mkdir(folder, "plain", &masked, 0777, &node, &attr), 0);
	assert_int_equal(attr.statx.stx_mode & 0777, 0700);
	put(node);
	put(folder);
}

/* ---- an ordinary user ---- */

static void test_user_is_root(void **state)
{
	struct export_change change = owner_change(0, 0);
	struct export_node *node;
	struct export_attr attr;

	assert_int_equal(export_mkdir(root, "dir", &guest_root, 0755, &node, &attr), 0);
	assert_int_equal(attr.statx.stx_uid, 0);
	assert_int_equal(attr.statx.stx_gid, 0);
	assert_int_equal(host_stat("dir").st_uid, NOBODY);
	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), 0);
	change = owner_change(STRANGER, 0);
	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), -EPERM);
	/* It would be shown as another than was asked for. */
	change = owner_change(NOBODY, NOBODY);
	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), -EPERM);
	put(node);
}

/* Root's files, those of others, and what the host does not let this user do. */
static void test_user_sees_others(void **state)
{
	struct export_node *node;
	struct export_attr attr;
	int fd = open("/", O_PATH | O_DIRECTORY);

	put(root);
	export_close(export);
	assert_int_equal(export_open(&export, &(struct export_config){ .folder = fd,
								       .proc_fds = -1,
								       .descriptors = 100 }),
			 0);
	root = export_root(export);
	assert_int_equal(export_lookup(root, "etc", &guest_root, &node, &attr), 0);
	assert_int_equal(attr.statx.stx_uid, 65534);
	assert_int_equal(attr.statx.stx_gid, 65534);
	struct export_change change = mode_change(0777);
	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), -EPERM);
	put(node);
	assert_int_equal(export_mkdir(root, "lkvm-no", &guest_root, 0755, &node, NULL), -EACCES);
}

static int run(void)
{
	const struct CMUnitTest roots[] = {
		EACH(test_owners),	   EACH(test_inherited_group),
		EACH(test_kill_on_change), EACH(test_threads),
		EACH(test_acls),
	};
	const struct CMUnitTest users[] = {
		EACH(test_user_is_root),
		EACH(test_user_sees_others),
		EACH(test_acls),
	};

	if (as_root)
		return cmocka_run_group_tests(roots, NULL, NULL);
	return geteuid() == NOBODY ? cmocka_run_group_tests(users, NULL, NULL) : 0;
}

int main(void)
{
	return run_everywhere(run);
}
