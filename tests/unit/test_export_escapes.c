// SPDX-License-Identifier: GPL-2.0-or-later
/* Ways out of an exported folder, all of which are closed: links, races with the host, mounts, devices. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include "export_folder.h"

static char outside[64];

static void make_outside(void)
{
	char path[128];

	snprintf(outside, sizeof(outside), "%s/lkvm-outside-XXXXXX", getenv("EXPORT_TEST_IN"));
	assert_non_null(mkdtemp(outside));
	snprintf(path, sizeof(path), "%s/secret", outside);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "secret", 6), 6);
	close(fd);
}

static void remove_outside(void)
{
	assert_int_equal(nftw(outside, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static u64 secret_ino(void)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/secret", outside);
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* ---- links ---- */

static void test_links_out(void **state)
{
	static const char *const targets[] = { "/etc", "../../../../etc", "..", "/",
					       ".",    "/proc/self/root" };
	struct export_node *link, *node;
	struct export_file *file;
	char name[16];

	for (unsigned i = 0; i < ARRAY_SIZE(targets); i++) {
		snprintf(name, sizeof(name), "link%u", i);
		assert_int_equal(symlink(targets[i], path_of(name)), 0);
		link = look(root, name);
		assert_int_equal(export_node_type(link), S_IFLNK);
		assert_int_equal(look_err(link, "passwd"), -ENOTDIR);
		assert_int_equal(look_err(link, ".."), -EINVAL);
		assert_int_equal(open_err(link, O_RDONLY), -ELOOP);
		assert_int_equal(open_err(link, O_RDONLY | O_DIRECTORY), -ELOOP);
		assert_int_equal(export_mkdir(link, "new", &guest_root, 0755, &node, NULL),
				 -ENOTDIR);
		assert_int_equal(export_unlink(link, "passwd", &guest_root, false), -ENOTDIR);
		assert_int_equal(export_rename(link, "passwd", root, "stolen", &guest_root, 0),
				 -ENOTDIR);
		assert_int_equal(export_tmpfile(link, &guest_root, O_RDWR, 0600, &node, NULL,
						&file),
				 -ENOTDIR);
		assert_int_equal(export_create(link, "new", &guest_root, O_RDWR, 0600, &node, NULL,
					       &file),
				 -ENOTDIR);
		put(link);
	}
}

/* A link that takes a known folder's or file's place is not followed by what knew it. */
static void test_replaced_by_link(void **state)
{
	struct export_node *folder = make_folder(root, "folder"), *node;

	make_outside();
	assert_int_equal(rename(path_of("folder"), path_of("old")), 0);
	assert_int_equal(symlink(outside, path_of("folder")), 0);
	assert_int_equal(look_err(folder, "secret"), -ENOENT);
	node = look(root, "folder");
	assert_int_equal(export_node_type(node), S_IFLNK);
	assert_int_equal(look_err(node, "secret"), -ENOTDIR);
	put(node);
	put(folder);
	remove_outside();
}

struct swapper {
	pthread_t thread;
	atomic_bool stop;
	atomic_uint swaps;
};

static void *swap(void *arg)
{
	struct swapper *swapper = arg;

	while (!swapper->stop) {
		renameat2(AT_FDCWD, path_of("victim"), AT_FDCWD, path_of("swapped"),
			  RENAME_EXCHANGE);
		swapper->swaps++;
	}
	return NULL;
}

/* What the guest does meanwhile shows what is inside, or an error: in each of many tries, with the host in between. */
static void try_victim(u64 secret, bool *folder_seen, bool *link_seen)
{
	struct export_node *victim, *node;
	struct export_attr attr;
	struct export_file *file;

	if (export_lookup(root, "victim", &guest_root, &victim, &attr))
		return;
	*(export_node_type(victim) == S_IFLNK ? link_seen : folder_seen) = true;
	if (!export_lookup(victim, "secret", &guest_root, &node, &attr)) {
		assert_int_not_equal(attr.statx.stx_ino, secret);
		assert_int_equal(attr.statx.stx_size, 4);
		if (!export_open_file(node, &guest_root, O_RDWR, &file)) {
			assert_content(file, "mine");
			export_file_put(file);
		}
		put(node);
	}
	if (!export_create(victim, "new", &guest_root, O_RDWR, 0600, &node, &attr, &file)) {
		export_file_put(file);
		put(node);
		assert_int_equal(export_unlink(victim, "new", &guest_root, false), 0);
	}
	put(victim);
}

static void test_swapped_links(void **state)
{
	struct swapper swapper = { 0 };
	bool folder_seen = false, link_seen = false;
	char path[128];

	make_outside();
	assert_int_equal(mkdir(path_of("victim"), 0755), 0);
	host_file("victim/secret", "mine", 0600);
	assert_int_equal(symlink(outside, path_of("swapped")), 0);
	assert_int_equal(pthread_create(&swapper.thread, NULL, swap, &swapper), 0);
	u64 secret = secret_ino();
	for (unsigned i = 0; i < 3000 || swapper.swaps < 3000 || !folder_seen || !link_seen; i++)
		try_victim(secret, &folder_seen, &link_seen);
	swapper.stop = true;
	pthread_join(swapper.thread, NULL);
	/* Nothing was made there. */
	snprintf(path, sizeof(path), "%s/new", outside);
	assert_int_equal(access(path, F_OK), -1);
	remove_outside();
}

/* ---- folders that the host moves out ---- */

static void test_moved_out(void **state)
{
	struct export_node *a = make_folder(root, "a"), *b = make_folder(a, "b"), *up;
	char path[128];
	struct export_attr attr;

	make_outside();
	snprintf(path, sizeof(path), "%s/moved", outside);
	assert_int_equal(rename(path_of("a/b"), path), 0);
	assert_int_equal(look_err(b, ".."), -EINVAL);
	assert_int_equal(look_err(b, "secret"), -ENOENT);
	/* Its parent is the one it had. */
	assert_int_equal(export_parent(b, &up, &attr), 0);
	assert_ptr_equal(up, a);
	assert_int_equal(look_err(up, "secret"), -ENOENT);
	put(up);
	assert_int_equal(export_rename(b, "../secret", root, "stolen", &guest_root, 0), -EINVAL);
	put(a);
	put(b);
	remove_outside();
}

/* ---- what is never opened ---- */

static void test_devices(void **state)
{
	struct export_node *node, *made;
	struct export_file *file;

	if (!as_root) {
		assert_int_equal(export_mknod(root, "null", &guest_root, S_IFCHR | 0666,
					      makedev(1, 3), &made, NULL),
				 -EPERM);
		return;
	}
	/* This one open(2) would open. */
	assert_int_equal(mknod(path_of("null"), S_IFCHR | 0666, makedev(1, 3)), 0);
	node = look(root, "null");
	assert_int_equal(export_node_type(node), S_IFCHR);
	assert_int_equal(open_err(node, O_RDWR), -ENXIO);
	assert_int_equal(open_err(node, O_RDONLY | O_TRUNC), -ENXIO);
	assert_int_equal(export_create(root, "null", &guest_root, O_RDWR, 0666, &made, NULL, &file),
			 -ENXIO);
	struct export_change change = { .valid = EXPORT_SET_SIZE };
	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), -EINVAL);
	assert_int_equal(try_syncfs(node), 0);
	put(node);
	assert_int_equal(unlink(path_of("null")), 0);
}

/* ---- mounts ---- */

/* In a mount namespace of this process. */
static void mount_or_skip(const char *type, const char *name, unsigned long flags)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		ELSEWHERE("not offered here");
	assert_int_equal(mkdir(path_of(name), 0755), 0);
	assert_int_equal(mount(type, path_of(name), type, flags, NULL), 0);
	/* Of the namespace before is what is open. */
	close_export();
	open_export_with((struct export_config){ .submounts = true });
}

static void unmount(const char *name)
{
	assert_int_equal(umount(path_of(name)), 0);
	assert_int_equal(rmdir(path_of(name)), 0);
}

static void test_proc_below(void **state)
{
	struct export_node *proc, *made;
	struct export_file *file;

	struct export_change change = { .valid = EXPORT_SET_MODE, .mode = 0777 };

	mount_or_skip("proc", "proc", 0);
	proc = look(root, "proc");
	assert_int_equal(export_setattr(proc, NULL, &guest_root, &change), -EACCES);
	assert_int_equal(export_node_type(proc), S_IFDIR);
	assert_int_equal(look_err(proc, "self"), -EACCES);
	assert_int_equal(look_err(proc, "sysrq-trigger"), -EACCES);
	assert_int_equal(open_err(proc, O_RDONLY), -EACCES);
	assert_int_equal(export_create(proc, "sysrq-trigger", &guest_root, O_WRONLY, 0, &made, NULL,
				       &file),
			 -EACCES);
	assert_int_equal(export_mkdir(proc, "x", &guest_root, 0755, &made, NULL), -EACCES);
	assert_int_equal(export_rename(root, "x", proc, "x", &guest_root, 0), -EACCES);
	assert_int_equal(export_unlink(root, "proc", &guest_root, true), -EBUSY);
	assert_true(attr_of(proc).stx_ino);
	put(proc);
	unmount("proc");
}

static void test_mount_below(void **state)
{
	struct export_node *mounted, *file, *below, *twin;
	struct export_attr attr;

	mount_or_skip("tmpfs", "mnt", 0);
	assert_int_equal(export_lookup(root, "mnt", &guest_root, &mounted, &attr), 0);
	assert_true(attr.mount);
	assert_int_equal(export_getattr(mounted, NULL, 0, &attr), 0);
	assert_true(attr.mount);
	file = make_file(root, "file", NULL);
	assert_int_equal(export_lookup(root, "file", &guest_root, &twin, &attr), 0);
	assert_false(attr.mount);
	put(twin);
	below = make_file(mounted, "below", NULL);
	/* The same number on two devices is two for the guest. */
	assert_int_not_equal(attr_of(below).stx_ino, host_stat("mnt/below").st_ino);
	assert_int_equal(attr_of(file).stx_ino, host_stat("file").st_ino);
	assert_int_equal(export_link(below, root, "stolen", &guest_root, NULL), -EXDEV);
	assert_int_equal(export_link(file, mounted, "stolen", &guest_root, NULL), -EXDEV);
	assert_int_equal(export_rename(mounted, "below", root, "stolen", &guest_root, 0), -EXDEV);
	assert_int_equal(export_unlink(root, "mnt", &guest_root, true), -EBUSY);
	assert_int_equal(export_rename(root, "mnt", root, "moved", &guest_root, 0), -EBUSY);
	put(below);
	put(file);
	put(mounted);
	/* Forgotten, it keeps nobody from unmounting it. */
	unmount("mnt");
	assert_int_equal(unlink(path_of("file")), 0);
}

/* Objects of a read-only mount are found again through that one, not through another mount of the file system. */
static void test_readonly_mount(void **state)
{
	struct export_node *many[200], *mounted, *below, *made;
	char name[32];

	mount_or_skip("tmpfs", "mnt", 0);
	assert_int_equal(mkdir(path_of("mnt/a"), 0755), 0);
	host_file("mnt/a/file", "ro", 0644);
	assert_int_equal(mkdir(path_of("ro"), 0755), 0);
	assert_int_equal(mount(path_of("mnt/a"), path_of("ro"), NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount(NULL, path_of("ro"), NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL),
			 0);
	close_export();
	open_export_with((struct export_config){ .descriptors = 64 });
	struct export_node *other = look(root, "mnt");
	mounted = look(root, "ro");
	below = look(mounted, "file");
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "many-%u", i);
		host_file(name, "", 0600);
		many[i] = look(root, name);
	}
	assert_int_equal(open_err(below, O_RDWR), -EROFS);
	assert_int_equal(open_err(below, O_RDONLY), 0);
	assert_int_equal(export_mkdir(mounted, "x", &guest_root, 0755, &made, NULL), -EROFS);
	for (unsigned i = 0; i < 200; i++) {
		put(many[i]);
		snprintf(name, sizeof(name), "many-%u", i);
		assert_int_equal(unlink(path_of(name)), 0);
	}
	put(below);
	put(mounted);
	put(other);
	unmount("ro");
	unmount("mnt");
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_links_out), EACH(test_replaced_by_link), EACH(test_swapped_links),
		EACH(test_moved_out), EACH(test_devices),
	};
	const struct CMUnitTest mounts[] = {
		EACH(test_proc_below),
		EACH(test_mount_below),
		EACH(test_readonly_mount),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	return as_root ? failed + cmocka_run_group_tests(mounts, NULL, NULL) : failed;
}

int main(void)
{
	return run_everywhere(run);
}
