// SPDX-License-Identifier: GPL-2.0-or-later
/* An exported folder: names, attributes, files, folders. */
#include <linux/falloc.h>
#include <sys/sysmacros.h>
#include "export_folder.h"

/* ---- names ---- */

static void test_lookup(void **state)
{
	struct export_attr attr;
	struct export_node *node, *again;

	host_file("file", "hello", 0640);
	assert_int_equal(export_lookup(root, "file", &guest_root, &node, &attr), 0);
	assert_int_equal(export_node_type(node), S_IFREG);
	assert_int_equal(attr.statx.stx_size, 5);
	assert_int_equal(attr.statx.stx_mode, S_IFREG | 0640);
	assert_int_equal(attr.statx.stx_ino, host_stat("file").st_ino);
	assert_int_equal(attr.statx.stx_uid, 0);
	assert_false(attr.mount);
	assert_int_equal(export_node_number(root), 1);
	assert_true(export_node_number(node) > 1);
	/* Same object, same node, whatever its name. */
	assert_int_equal(link(path_of("file"), path_of("other")), 0);
	again = look(root, "other");
	assert_ptr_equal(node, again);
	put(again);
	assert_int_equal(look_err(root, "nothing"), -ENOENT);
	assert_int_equal(look_err(node, "below"), -ENOTDIR);
	put(node);
}

static void test_bad_names(void **state)
{
	char longest[NAME_MAX + 2];
	struct export_node *node;
	static const char *const bad[] = { "", ".", "..", "/", "a/b", "/etc", "../etc", "a/" };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(look_err(root, bad[i]), -EINVAL);
		assert_int_equal(export_mkdir(root, bad[i], &guest_root, 0755, &node, NULL),
				 -EINVAL);
		assert_int_equal(export_unlink(root, bad[i], &guest_root, true), -EINVAL);
		assert_int_equal(export_rename(root, "x", root, bad[i], &guest_root, 0), -EINVAL);
		assert_int_equal(export_rename(root, bad[i], root, "x", &guest_root, 0), -EINVAL);
	}
	memset(longest, 'n', sizeof(longest));
	longest[NAME_MAX + 1] = 0;
	assert_int_equal(look_err(root, longest), -ENAMETOOLONG);
	longest[NAME_MAX] = 0;
	put(make_folder(root, longest));
	put(look(root, longest));
}

/* All bytes but these two are good in a name. */
static void test_all_bytes(void **state)
{
	char name[4] = "a?b";

	for (unsigned byte = 1; byte < 256; byte++) {
		if (byte == '/')
			continue;
		name[1] = byte;
		put(make_file(root, name, NULL));
		put(look(root, name));
		assert_int_equal(export_unlink(root, name, &guest_root, false), 0);
	}
}

static void test_parents(void **state)
{
	struct export_node *a = make_folder(root, "a"), *b = make_folder(a, "b"), *up;

	assert_int_equal(export_parent(b, &up, NULL), 0);
	assert_ptr_equal(up, a);
	put(up);
	assert_int_equal(export_parent(root, &up, NULL), 0);
	assert_ptr_equal(up, root);
	put(up);
	assert_int_equal(export_rename(a, "b", root, "c", &guest_root, 0), 0);
	assert_int_equal(export_parent(b, &up, NULL), 0);
	assert_ptr_equal(up, root);
	put(up);
	/* A parent is known as long as its child is. */
	put(a);
	put(b);
}

static void test_make(void **state)
{
	struct export_caller masked = { .umask = 027 };
	struct export_node *node;
	struct export_attr attr;
	char target[16];

	assert_int_equal(export_mkdir(root, "dir", &masked, 0777, &node, &attr), 0);
	assert_int_equal(attr.statx.stx_mode, S_IFDIR | 0750);
	put(node);
	assert_int_equal(export_mkdir(root, "dir", &guest_root, 0777, &node, &attr), -EEXIST);
	assert_int_equal(export_symlink(root, "link", &guest_root, "/etc/passwd", &node, &attr), 0);
	assert_int_equal(export_node_type(node), S_IFLNK);
	assert_int_equal(export_readlink(node, target, sizeof(target)), 11);
	assert_memory_equal(target, "/etc/passwd", 11);
	assert_int_equal(export_readlink(node, target, 4), 4);
	assert_int_equal(open_err(node, O_RDONLY), -ELOOP);
	assert_int_equal(look_err(node, "passwd"), -ENOTDIR);
	put(node);
	assert_int_equal(export_readlink(root, target, sizeof(target)), -EINVAL);

	assert_int_equal(export_mknod(root, "fifo", &masked, S_IFIFO | 0666, 0, &node, &attr), 0);
	assert_int_equal(attr.statx.stx_mode, S_IFIFO | 0640);
	/* It is a name, and never opened: no reader could be waited for. */
	assert_int_equal(open_err(node, O_RDONLY), -ENXIO);
	assert_int_equal(open_err(node, O_WRONLY), -ENXIO);
	put(node);
	assert_int_equal(export_mknod(root, "socket", &guest_root, S_IFSOCK | 0600, 0, &node, NULL),
			 0);
	assert_int_equal(open_err(node, O_RDWR), -ENXIO);
	put(node);
	assert_int_equal(export_mknod(root, "plain", &guest_root, S_IFREG | 0600, 0, &node, NULL),
			 0);
	put(node);
	assert_int_equal(export_mknod(root, "d", &guest_root, S_IFDIR | 0600, 0, &node, NULL),
			 -EINVAL);
}

static void test_unlink(void **state)
{
	struct export_node *folder = make_folder(root, "folder");
	struct export_file *file;
	struct export_node *node = make_file(folder, "file", &file);

	assert_int_equal(export_unlink(root, "folder", &guest_root, true), -ENOTEMPTY);
	assert_int_equal(export_unlink(root, "folder", &guest_root, false), -EISDIR);
	assert_int_equal(export_unlink(folder, "file", &guest_root, true), -ENOTDIR);
	assert_int_equal(put_bytes(file, "still", 0), 5);
	assert_int_equal(export_unlink(folder, "file", &guest_root, false), 0);
	assert_int_equal(export_unlink(folder, "file", &guest_root, false), -ENOENT);
	/* Open or known, it is there without a name. */
	assert_int_equal(attr_of(node).stx_nlink, 0);
	assert_int_equal(attr_of(node).stx_size, 5);
	assert_content(file, "still");
	export_file_put(file);
	file = open_node(node, O_RDWR);
	assert_content(file, "still");
	export_file_put(file);
	put(node);
	assert_int_equal(export_unlink(root, "folder", &guest_root, true), 0);
	assert_int_equal(look_err(folder, "file"), -ENOENT);
	assert_int_equal(export_mkdir(folder, "new", &guest_root, 0755, &node, NULL), -ENOENT);
	put(folder);
}

static void test_rename(void **state)
{
	struct export_node *folder = make_folder(root, "folder");
	struct export_file *file, *old;
	struct export_node *node = make_file(root, "a", &file),
			   *over = make_file(folder, "b", &old);

	put_bytes(file, "new", 0);
	put_bytes(old, "old", 0);
	assert_int_equal(export_rename(root, "a", folder, "b", &guest_root, RENAME_NOREPLACE),
			 -EEXIST);
	assert_int_equal(export_rename(root, "a", folder, "b", &guest_root, RENAME_EXCHANGE), 0);
	put(node);
	assert_ptr_equal(look(folder, "b"), node);
	assert_int_equal(export_rename(folder, "b", root, "a", &guest_root, 0), 0);
	/* What was there lives on as long as it is known. */
	assert_content(old, "old");
	assert_int_equal(attr_of(over).stx_nlink, 0);
	assert_int_equal(look_err(folder, "b"), -ENOENT);
	assert_int_equal(export_rename(root, "none", root, "x", &guest_root, 0), -ENOENT);
	assert_int_equal(export_rename(root, "a", root, "x", &guest_root, 1u << 8), -EINVAL);
	assert_int_equal(export_rename(root, "folder", folder, "x", &guest_root, 0), -EINVAL);
	export_file_put(file);
	export_file_put(old);
	put(node);
	put(over);
	put(folder);
}

static void test_link(void **state)
{
	struct export_node *node = make_file(root, "a", NULL);
	struct export_node *symlink_node, *folder = make_folder(root, "folder");
	struct export_attr attr;

	assert_int_equal(export_link(node, root, "b", &guest_root, &attr), 0);
	assert_int_equal(attr.statx.stx_nlink, 2);
	assert_int_equal(export_link(node, root, "b", &guest_root, &attr), -EEXIST);
	assert_int_equal(export_link(folder, root, "c", &guest_root, &attr), -EPERM);
	assert_int_equal(export_symlink(root, "s", &guest_root, "a", &symlink_node, NULL), 0);
	/* The link itself gets another name, not what it points to. */
	assert_int_equal(export_link(symlink_node, root, "t", &guest_root, NULL), 0);
	assert_true(S_ISLNK(host_stat("t").st_mode));
	put(symlink_node);
	put(folder);
	put(node);
}

/* ---- attributes ---- */

static void test_setattr(void **state)
{
	struct export_node *node = make_file(root, "file", NULL), *link;
	struct export_change change = {
		.valid = EXPORT_SET_MODE | EXPORT_SET_SIZE | EXPORT_SET_ATIME | EXPORT_SET_MTIME,
		.mode = 04711,
		.size = 12345,
		.atime = { 1000000000, 123456789 },
		.mtime = { 1100000000, 987654321 },
	};

	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), 0);
	struct statx stx = attr_of(node);
	assert_int_equal(stx.stx_mode & 07777, 04711);
	assert_int_equal(stx.stx_size, 12345);
	assert_int_equal(stx.stx_atime.tv_sec, 1000000000);
	assert_int_equal(stx.stx_atime.tv_nsec, 123456789);
	assert_int_equal(stx.stx_mtime.tv_nsec, 987654321);
	/* Now is the host's. */
	change = (struct export_change){ .valid = EXPORT_SET_MTIME_NOW };
	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), 0);
	stx = attr_of(node);
	assert_true(stx.stx_mtime.tv_sec > 1600000000);
	assert_int_equal(stx.stx_atime.tv_sec, 1000000000);
	change = (struct export_change){ .valid = EXPORT_SET_ATIME, .atime.tv_nsec = UTIME_NOW };
	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), 0);
	assert_int_equal(attr_of(node).stx_atime.tv_sec, 1000000000);
	put(node);

	assert_int_equal(export_symlink(root, "link", &guest_root, "file", &link, NULL), 0);
	change = (struct export_change){ .valid = EXPORT_SET_MTIME, .mtime = { 5, 6 } };
	assert_int_equal(export_setattr(link, NULL, &guest_root, &change), 0);
	assert_int_equal(host_stat("link").st_mtim.tv_sec, 5);
	assert_true(host_stat("file").st_mtim.tv_sec > 5);
	change = (struct export_change){ .valid = EXPORT_SET_MODE, .mode = 0777 };
	assert_int_equal(export_setattr(link, NULL, &guest_root, &change), -EOPNOTSUPP);
	change = (struct export_change){ .valid = EXPORT_SET_SIZE };
	assert_int_equal(export_setattr(link, NULL, &guest_root, &change), -EINVAL);
	assert_int_equal(export_setattr(root, NULL, &guest_root, &change), -EISDIR);
	put(link);

	struct statvfs statvfs;
	assert_int_equal(export_statfs(root, &statvfs), 0);
	assert_true(statvfs.f_blocks > 0);
	assert_int_equal(try_syncfs(root), 0);
}

static void test_access(void **state)
{
	host_file("file", "", 0640);
	struct export_node *node = look(root, "file");

	assert_int_equal(export_access(node, &guest_root, R_OK | W_OK), 0);
	assert_int_equal(export_access(node, &guest_root, X_OK), -EACCES);
	assert_int_equal(export_access(node, &guest_user, R_OK), -EACCES);
	assert_int_equal(export_access(root, &guest_user, R_OK | X_OK), 0);
	assert_int_equal(export_access(root, &guest_user, W_OK), -EACCES);
	put(node);
}

/* ---- files ---- */

static void test_data(void **state)
{
	struct export_file *file, *append, *reader;
	struct export_node *node = make_file(root, "file", &file);
	char bytes[8];

	assert_int_equal(put_bytes(file, "hello world", 0), 11);
	assert_int_equal(put_bytes(file, "W", 6), 1);
	assert_content(file, "hello World");
	append = open_node(node, O_WRONLY | O_APPEND);
	assert_int_equal(put_bytes(append, "!", 0), 1);
	assert_content(file, "hello World!");
	assert_int_equal(get_bytes(append, bytes, 1, 0), -EBADF);
	reader = open_node(node, O_RDONLY);
	assert_int_equal(put_bytes(reader, "x", 0), -EBADF);
	assert_int_equal(get_bytes(reader, bytes, 8, 100), 0);
	assert_int_equal(get_bytes(reader, bytes, 8, 1ull << 63), -EINVAL);
	assert_int_equal(put_bytes(file, "x", 1ull << 63), -EFBIG);
	assert_int_equal(export_fsync(file, false), 0);
	assert_int_equal(export_fsync(file, true), 0);
	assert_int_equal(export_flush(file), 0);
	export_file_put(open_node(node, O_WRONLY | O_TRUNC));
	assert_int_equal(attr_of(node).stx_size, 0);
	assert_ptr_equal(export_file_node(file), node);
	export_file_put(file);
	export_file_put(append);
	export_file_put(reader);
	put(node);
}

static void test_sparse(void **state)
{
	struct export_file *file, *copy;
	struct export_node *node = make_file(root, "file", &file),
			   *other = make_file(root, "b", &copy);

	assert_int_equal(put_bytes(file, "end", MIB(1)), 3);
	assert_int_equal(export_lseek(file, 0, SEEK_DATA), MIB(1));
	assert_int_equal(export_lseek(file, 0, SEEK_HOLE), 0);
	assert_int_equal(export_lseek(file, MIB(2), SEEK_DATA), -ENXIO);
	assert_int_equal(export_lseek(file, 0, SEEK_END), -EINVAL);
	assert_int_equal(export_copy_range(file, MIB(1), copy, 0, 100, &guest_root), 3);
	assert_content(copy, "end");
	assert_int_equal(export_fallocate(file, &guest_root, 0, 0, MIB(2)), 0);
	assert_int_equal(attr_of(node).stx_size, MIB(2));
	assert_int_equal(export_fallocate(file, &guest_root,
					  FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, MIB(2)),
			 0);
	assert_int_equal(attr_of(node).stx_size, MIB(2));
	assert_int_equal(export_lseek(file, 0, SEEK_DATA), -ENXIO);
	assert_int_equal(export_fallocate(file, &guest_root, 0x4000, 0, 1), -EOPNOTSUPP);
	export_file_put(file);
	export_file_put(copy);
	put(node);
	put(other);
}

static void test_create(void **state)
{
	struct export_caller masked = { .umask = 022 };
	struct export_node *node, *again;
	struct export_attr attr;
	struct export_file *file;

	assert_int_equal(export_create(root, "new", &masked, O_RDWR, 0666, &node, &attr, &file), 0);
	assert_int_equal(attr.statx.stx_mode, S_IFREG | 0644);
	put_bytes(file, "content", 0);
	export_file_put(file);
	assert_int_equal(export_create(root, "new", &guest_root, O_RDWR | O_EXCL, 0666, &again,
				       &attr, &file),
			 -EEXIST);
	assert_int_equal(export_create(root, "new", &guest_root, O_RDWR, 0, &again, &attr, &file),
			 0);
	assert_ptr_equal(node, again);
	assert_int_equal(attr.statx.stx_size, 7);
	export_file_put(file);
	put(again);
	assert_int_equal(export_create(root, "new", &guest_root, O_RDWR | O_TRUNC, 0, &again, &attr,
				       &file),
			 0);
	assert_int_equal(attr.statx.stx_size, 0);
	export_file_put(file);
	put(again);
	put(node);
	/* What is there is not opened by a guest that would create it. */
	assert_int_equal(mkfifo(path_of("fifo"), 0666), 0);
	assert_int_equal(symlink("/etc/passwd", path_of("link")), 0);
	assert_int_equal(symlink("nowhere", path_of("dangling")), 0);
	assert_int_equal(export_create(root, "fifo", &guest_root, O_RDWR, 0, &node, NULL, &file),
			 -ENXIO);
	assert_int_equal(export_create(root, "link", &guest_root, O_RDWR, 0, &node, NULL, &file),
			 -ELOOP);
	assert_int_equal(export_create(root, "dangling", &guest_root, O_RDWR, 0, &node, NULL,
				       &file),
			 -ELOOP);
	assert_int_equal(access(path_of("nowhere"), F_OK), -1);
}

static void test_tmpfile(void **state)
{
	struct export_file *file;
	struct export_node *node;
	struct export_attr attr;

	assert_int_equal(export_tmpfile(root, &guest_root, O_RDWR, 0640, &node, &attr, &file), 0);
	assert_int_equal(attr.statx.stx_nlink, 0);
	put_bytes(file, "tmp", 0);
	assert_int_equal(export_link(node, root, "named", &guest_root, &attr), 0);
	assert_int_equal(attr.statx.stx_nlink, 1);
	assert_int_equal(host_stat("named").st_size, 3);
	export_file_put(file);
	put(node);
}

/* ---- folders ---- */

struct seen {
	unsigned nr, most;
	u64 last;
	bool dots[2];
	u8 *numbers; /* of names that are numbers: how often */
};

static bool seen_one(void *opaque, const struct export_entry *entry)
{
	struct seen *seen = opaque;

	if (seen->nr == seen->most)
		return false;
	seen->nr++;
	seen->last = entry->next;
	if (!strcmp(entry->name, ".") || !strcmp(entry->name, "..")) {
		seen->dots[!!entry->name[1]] = true;
		if (entry->name[1])
			assert_int_equal(entry->ino, attr_of(root).stx_ino);
	} else if (seen->numbers) {
		seen->numbers[atoi(entry->name)]++;
	}
	return true;
}

/* More than are read at once. */
#define NAMES 500u

static void test_readdir(void **state)
{
	struct export_file *folder, *other;
	u8 numbers[NAMES] = { 0 };
	struct seen seen = { .most = 7, .numbers = numbers };
	char name[16];

	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "%u", i);
		host_file(name, "", 0600);
	}
	folder = open_node(root, O_RDONLY | O_DIRECTORY);
	other = open_node(root, O_RDONLY);
	while (seen.nr || !seen.last) {
		seen.nr = 0;
		assert_int_equal(export_readdir(folder, seen.last, seen_one, &seen), 0);
		if (!seen.nr)
			break;
	}
	for (unsigned i = 0; i < NAMES; i++)
		assert_int_equal(numbers[i], 1);
	assert_true(seen.dots[0] && seen.dots[1]);

	/* From the beginning again, and what is new is seen; from the middle, twice the same. */
	host_file("1000000", "", 0600);
	seen = (struct seen){ .most = 10000 };
	assert_int_equal(export_readdir(folder, 0, seen_one, &seen), 0);
	assert_int_equal(seen.nr, NAMES + 3);
	struct seen first = { .most = 100 }, second = { .most = 10000 }, third = second;
	assert_int_equal(export_readdir(folder, 0, seen_one, &first), 0);
	assert_int_equal(export_readdir(folder, first.last, seen_one, &second), 0);
	assert_int_equal(export_readdir(other, first.last, seen_one, &third), 0);
	assert_int_equal(first.nr + second.nr, NAMES + 3);
	assert_int_equal(third.nr, second.nr);
	assert_int_equal(export_readdir(folder, 1ull << 63, seen_one, &third), -EINVAL);
	/* The beginning is of now, even if nothing was taken of what was read before. */
	seen = (struct seen){ .most = 0 };
	assert_int_equal(export_readdir(folder, 0, seen_one, &seen), 0);
	host_file("1000001", "", 0600);
	seen.most = 10000;
	assert_int_equal(export_readdir(folder, 0, seen_one, &seen), 0);
	assert_int_equal(seen.nr, NAMES + 4);
	seen = (struct seen){ .most = 5 };
	assert_int_equal(export_readdir(folder, 0, seen_one, &seen), 0);
	seen = (struct seen){ .most = 10000 };
	assert_int_equal(export_readdir(folder, 0, seen_one, &seen), 0);
	assert_int_equal(seen.nr, NAMES + 4);
	export_file_put(folder);
	export_file_put(other);
	assert_int_equal(open_err(root, O_RDWR), -EISDIR);
}

/* ---- read-only ---- */

static void test_readonly(void **state)
{
	struct export_change change = { .valid = EXPORT_SET_MTIME_NOW };
	struct export_node *node, *other;
	struct export_file *file;
	struct iovec iov = { (void *)"x", 1 };

	host_file("file", "text", 0666);
	close_export();
	open_export_with((struct export_config){ .readonly = true });
	assert_true(export_readonly(export));
	node = look(root, "file");
	assert_int_equal(export_mkdir(root, "d", &guest_root, 0755, &other, NULL), -EROFS);
	assert_int_equal(export_mknod(root, "d", &guest_root, S_IFIFO, 0, &other, NULL), -EROFS);
	assert_int_equal(export_symlink(root, "d", &guest_root, "t", &other, NULL), -EROFS);
	assert_int_equal(export_link(node, root, "d", &guest_root, NULL), -EROFS);
	assert_int_equal(export_unlink(root, "file", &guest_root, false), -EROFS);
	assert_int_equal(export_rename(root, "file", root, "d", &guest_root, 0), -EROFS);
	assert_int_equal(export_setattr(node, NULL, &guest_root, &change), -EROFS);
	assert_int_equal(export_tmpfile(root, &guest_root, O_RDWR, 0600, &other, NULL, &file),
			 -EROFS);
	assert_int_equal(export_create(root, "d", &guest_root, O_RDWR, 0600, &other, NULL, &file),
			 -EROFS);
	assert_int_equal(export_create(root, "file", &guest_root, O_RDWR, 0600, &other, NULL,
				       &file),
			 -EROFS);
	assert_int_equal(export_create(root, "d", &guest_root, O_RDWR | O_EXCL, 0600, &other, NULL,
				       &file),
			 -EROFS);
	assert_int_equal(export_setxattr(node, &guest_root, "user.x", "x", 1, 0), -EROFS);
	assert_int_equal(export_removexattr(node, &guest_root, "user.x"), -EROFS);
	assert_int_equal(export_access(node, &guest_root, W_OK), -EROFS);
	assert_int_equal(open_err(node, O_RDWR), -EROFS);
	assert_int_equal(open_err(node, O_WRONLY), -EROFS);
	assert_int_equal(open_err(node, O_RDONLY | O_TRUNC), -EROFS);
	file = open_node(node, O_RDONLY);
	assert_content(file, "text");
	assert_int_equal(export_write(file, &guest_root, &iov, 1, 0, 0), -EROFS);
	assert_int_equal(export_fallocate(file, &guest_root, 0, 0, 1), -EROFS);
	assert_int_equal(export_copy_range(file, 0, file, 8, 1, &guest_root), -EROFS);
	export_file_put(file);
	put(node);
	assert_int_equal(host_stat("file").st_size, 4);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		EACH(test_lookup),  EACH(test_bad_names), EACH(test_all_bytes), EACH(test_parents),
		EACH(test_make),    EACH(test_unlink),	  EACH(test_rename),	EACH(test_link),
		EACH(test_setattr), EACH(test_access),	  EACH(test_data),	EACH(test_sparse),
		EACH(test_create),  EACH(test_tmpfile),	  EACH(test_readdir),	EACH(test_readonly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_everywhere(run);
}
