// SPDX-License-Identifier: GPL-2.0-or-later
/* Locks and extended attributes of files in an exported folder. */
#include <sys/file.h>
#include <sys/xattr.h>
#include "export_folder.h"

static struct flock range(int type, s64 start, s64 len)
{
	return (struct flock){ .l_type = type, .l_start = start, .l_len = len, .l_pid = 42 };
}

static int lock(struct export_file *file, u64 owner, int type, s64 start, s64 len)
{
	struct flock wanted = range(type, start, len);

	wanted.l_pid = 1000 + owner;
	return export_lock(file, owner, &wanted);
}

static struct flock obstacle(struct export_file *file, u64 owner, int type, s64 start, s64 len)
{
	struct flock wanted = range(type, start, len);

	assert_int_equal(export_getlock(file, owner, &wanted), 0);
	return wanted;
}

static int host_lock(const char *name, int type, s64 start, s64 len)
{
	struct flock wanted = range(type, start, len);
	int fd = open(path_of(name), O_RDWR | O_CLOEXEC);

	wanted.l_pid = 0;
	assert_true(fd >= 0);
	if (!fcntl(fd, F_OFD_SETLK, &wanted))
		return fd;
	int err = -errno;
	close(fd);
	return err;
}

static void test_record_locks(void **state)
{
	struct export_file *a, *b;
	struct export_node *node = make_file(root, "file", &a);

	b = open_node(node, O_RDONLY);
	assert_int_equal(lock(a, 1, F_WRLCK, 0, 10), 0);
	/* The owner's, by whatever file; others are kept out, by whatever file too. */
	assert_int_equal(lock(b, 1, F_WRLCK, 5, 10), 0);
	assert_int_equal(lock(a, 2, F_RDLCK, 9, 1), -EAGAIN);
	assert_int_equal(lock(b, 2, F_WRLCK, 14, 1), -EAGAIN);
	assert_int_equal(lock(b, 2, F_RDLCK, 15, 5), 0);
	assert_int_equal(lock(b, 3, F_RDLCK, 15, 5), 0);
	assert_int_equal(lock(b, 1, F_WRLCK, 15, 1), -EAGAIN);

	struct flock found = obstacle(a, 2, F_RDLCK, 0, 100);
	assert_int_equal(found.l_type, F_WRLCK);
	assert_int_equal(found.l_start, 0);
	assert_int_equal(found.l_len, 15);
	assert_int_equal(found.l_pid, 1001);
	assert_int_equal(obstacle(a, 9, F_WRLCK, 20, 0).l_type, F_UNLCK);
	assert_int_equal(obstacle(a, 1, F_WRLCK, 0, 15).l_type, F_UNLCK);

	assert_int_equal(lock(a, 1, F_UNLCK, 0, 5), 0);
	assert_int_equal(lock(a, 2, F_WRLCK, 0, 5), 0);
	export_unlock_owner(b, 1);
	assert_int_equal(lock(a, 2, F_WRLCK, 0, 15), 0);
	assert_int_equal(lock(a, 2, F_UNLCK, 0, 0), 0);
	assert_int_equal(lock(a, 3, F_WRLCK, 0, 0), 0);
	export_file_put(b);
	assert_int_equal(lock(a, 4, F_WRLCK, 0, 0), -EAGAIN);
	/* The last close drops them all. */
	export_file_put(a);
	int fd = host_lock("file", F_WRLCK, 0, 0);
	assert_true(fd >= 0);
	close(fd);
	put(node);
}

static void test_locks_with_host(void **state)
{
	struct export_file *file;
	struct export_node *node = make_file(root, "file", &file);
	int fd = host_lock("file", F_WRLCK, 10, 10);

	assert_true(fd >= 0);
	assert_int_equal(lock(file, 1, F_RDLCK, 0, 0), -EAGAIN);
	assert_int_equal(obstacle(file, 1, F_RDLCK, 0, 0).l_start, 10);
	assert_int_equal(obstacle(file, 1, F_RDLCK, 0, 0).l_pid, 0);
	assert_int_equal(lock(file, 1, F_WRLCK, 0, 10), 0);
	assert_int_equal(host_lock("file", F_RDLCK, 5, 1), -EAGAIN);
	close(fd);
	assert_int_equal(lock(file, 1, F_WRLCK, 0, 0), 0);
	export_unlock_owner(file, 1);
	fd = host_lock("file", F_WRLCK, 0, 0);
	assert_true(fd >= 0);
	close(fd);
	export_file_put(file);
	put(node);
}

static void test_bad_locks(void **state)
{
	struct export_file *file, *folder = open_node(root, O_RDONLY);
	struct export_node *node = make_file(root, "file", &file);
	struct flock bad = range(77, 0, 0);

	assert_int_equal(export_lock(file, 1, &bad), -EINVAL);
	assert_int_equal(export_getlock(file, 1, &bad), -EINVAL);
	assert_int_equal(lock(file, 1, F_WRLCK, -1, 0), -EINVAL);
	assert_int_equal(lock(file, 1, F_WRLCK, 0, -1), -EINVAL);
	assert_int_equal(lock(file, 1, F_WRLCK, INT64_MAX, INT64_MAX), -EOVERFLOW);
	assert_int_equal(lock(file, 1, F_UNLCK, 0, 0), 0);
	assert_int_equal(lock(folder, 1, F_WRLCK, 0, 0), -EINVAL);
	/* Owners are bounded by descriptors. */
	int err = 0;
	for (u64 owner = 0; !err && owner < 2000; owner++)
		err = lock(file, owner, F_RDLCK, 0, 1);
	assert_int_equal(err, -ENOLCK);
	/* Looking around goes on. */
	put(make_folder(root, "folder"));
	export_file_put(file);
	assert_int_equal(open_err(node, O_RDWR), 0);
	export_file_put(folder);
	put(node);
}

static void test_flock(void **state)
{
	struct export_file *a, *b;
	struct export_node *node = make_file(root, "file", &a);
	int fd = open(path_of("file"), O_RDONLY);

	b = open_node(node, O_RDONLY);
	assert_int_equal(export_flock(a, 1, LOCK_EX), 0);
	assert_int_equal(export_flock(b, 2, LOCK_SH), -EAGAIN);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), -1);
	assert_int_equal(export_flock(a, 1, LOCK_SH), 0);
	assert_int_equal(export_flock(b, 2, LOCK_SH), 0);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
	assert_int_equal(export_flock(b, 2, LOCK_EX | LOCK_NB), -EAGAIN);
	export_file_put(b);
	assert_int_equal(export_flock(a, 1, LOCK_UN), 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(export_flock(a, 1, LOCK_SH), -EAGAIN);
	assert_int_equal(export_flock(a, 1, 64), -EINVAL);
	close(fd);
	export_file_put(a);
	put(node);
}

/* ---- extended attributes ---- */

static void test_xattrs(void **state)
{
	struct export_node *node = make_file(root, "file", NULL), *fifo;
	char value[16], names[64];

	int err = export_setxattr(node, &guest_root, "user.name", "value", 5, 0);
	/* tmpfs has these from Linux 6.6 on. */
	if (err == -EOPNOTSUPP)
		ELSEWHERE("not offered here");
	assert_int_equal(err, 0);
	assert_int_equal(export_getxattr(node, &guest_root, "user.name", NULL, 0), 5);
	assert_int_equal(export_getxattr(node, &guest_root, "user.name", value, 16), 5);
	assert_memory_equal(value, "value", 5);
	assert_int_equal(export_getxattr(node, &guest_root, "user.name", value, 2), -ERANGE);
	assert_int_equal(export_getxattr(node, &guest_root, "user.none", value, 2), -ENODATA);
	assert_int_equal(export_setxattr(node, &guest_root, "user.name", "v", 1, XATTR_CREATE),
			 -EEXIST);
	assert_int_equal(export_setxattr(node, &guest_root, "user.none", "v", 1, XATTR_REPLACE),
			 -ENODATA);
	assert_int_equal(export_listxattr(node, &guest_root, NULL, 0), 10);
	assert_int_equal(export_listxattr(node, &guest_root, names, sizeof(names)), 10);
	assert_string_equal(names, "user.name");
	assert_int_equal(export_listxattr(node, &guest_root, names, 3), -ERANGE);
	assert_int_equal(export_removexattr(node, &guest_root, "user.name"), 0);
	assert_int_equal(export_removexattr(node, &guest_root, "user.name"), -ENODATA);
	assert_int_equal(export_setxattr(node, &guest_root, "system.other", "v", 1, 0),
			 -EOPNOTSUPP);
	assert_int_equal(export_setxattr(node, &guest_root, "other", "v", 1, 0), -EOPNOTSUPP);
	assert_int_equal(export_setxattr(node, &guest_root, "user.", "v", 1, 0), -EINVAL);
	assert_int_equal(export_setxattr(node, &guest_root, "user.large", value,
					 EXPORT_MAX_XATTR + 1, 0),
			 -E2BIG);
	put(node);

	/* Folders have them, FIFOs have no user's; nothing is opened for that. */
	assert_int_equal(export_setxattr(root, &guest_root, "user.name", "value", 5, 0), 0);
	assert_int_equal(export_mknod(root, "fifo", &guest_root, S_IFIFO | 0600, 0, &fifo, NULL),
			 0);
	assert_int_equal(export_setxattr(fifo, &guest_root, "user.name", "value", 5, 0), -EPERM);
	assert_int_equal(export_listxattr(fifo, &guest_root, names, sizeof(names)), 0);
	put(fifo);
}

static void test_xattrs_of_links(void **state)
{
	struct export_node *node;
	char value[16];

	host_file("file", "", 0600);
	setxattr(path_of("file"), "user.name", "value", 5, 0);
	assert_int_equal(export_symlink(root, "link", &guest_root, "file", &node, NULL), 0);
	assert_int_equal(export_getxattr(node, &guest_root, "user.name", value, 16), -EOPNOTSUPP);
	assert_int_equal(export_setxattr(node, &guest_root, "user.name", value, 1, 0), -EOPNOTSUPP);
	assert_int_equal(export_setxattr(node, &guest_root, "trusted.name", value, 1, 0),
			 -EOPNOTSUPP);
	assert_int_equal(export_removexattr(node, &guest_root, "user.name"), -EOPNOTSUPP);
	assert_int_equal(export_listxattr(node, &guest_root, value, 16), 0);
	put(node);
}

static void test_trusted(void **state)
{
	struct export_node *node = make_file(root, "file", NULL);

	assert_int_equal(export_setxattr(node, &guest_root, "trusted.name", "v", 1, 0),
			 as_root ? 0 : -EPERM);
	put(node);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_record_locks), EACH(test_locks_with_host), EACH(test_bad_locks),
		EACH(test_flock),	 EACH(test_xattrs),	     EACH(test_xattrs_of_links),
		EACH(test_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_everywhere(run);
}
