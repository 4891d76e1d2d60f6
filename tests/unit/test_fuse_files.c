// SPDX-License-Identifier: GPL-2.0-or-later
/* Files, folders and attributes as a guest uses them over FUSE. */
#include "fuse_guest.h"

#define ROOT 1

static void data(void **state)
{
	static char big[MIB(1)];
	u64 fh, node = create(ROOT, "file", O_RDWR, &fh);
	struct fuse_attr attr;

	for (unsigned i = 0; i < sizeof(big); i++)
		big[i] = i * 7 + i / 256;
	assert_int_equal(write_flags(node, fh, 100, big, sizeof(big), 0), sizeof(big));
	assert_int_equal(read_at(node, fh, 100, sizeof(big)), sizeof(big));
	assert_memory_equal(guest_body(), big, sizeof(big));
	assert_int_equal(read_at(node, fh, sizeof(big), 4096), 100);
	assert_int_equal(read_at(node, fh, sizeof(big) + 100, 4096), 0);
	assert_int_equal(getattr(node, &attr), 0);
	assert_int_equal(attr.size, sizeof(big) + 100);
	assert_int_equal(attr.mode, S_IFREG | 0644);
	assert_int_equal(host_stat("file").st_size, sizeof(big) + 100);
	/* A size that is not there. */
	struct fuse_write_in in = { .fh = fh, .size = 11 };
	assert_int_equal(ask(FUSE_WRITE, node, &in, sizeof(in)), -EINVAL);
	assert_int_equal(release(FUSE_RELEASE, node, fh), 0);
}

static void appended(void **state)
{
	u64 fh, node = create(ROOT, "log", O_WRONLY | O_APPEND, &fh);

	host_file("log", "host ", 0644);
	/* The guest does not know how long it has become. */
	assert_int_equal(write_at(node, fh, 0, "guest"), 5);
	assert_int_equal(host_stat("log").st_size, 10);
	/* But a page of its cache has its place. */
	assert_int_equal(write_flags(node, fh, 0, "HOST", 4, FUSE_WRITE_CACHE), 4);
	assert_int_equal(host_stat("log").st_size, 10);
	assert_int_equal(release(FUSE_RELEASE, node, fh), 0);
}

static void truncated_by_open(void **state)
{
	u64 fh;

	host_file("a", "text", as_root ? 06777 : 0644);
	u64 node = lookup(ROOT, "a");
	const struct fuse_open_in in = { .flags = O_WRONLY | O_TRUNC,
					 .open_flags = FUSE_OPEN_KILL_SUIDGID };
	assert_int_equal(ask(FUSE_OPEN, node, &in, sizeof(in)), 0);
	assert_int_equal(host_stat("a").st_size, 0);
	assert_int_equal(host_stat("a").st_mode & 07777, as_root ? 0777 : 0644);
	assert_int_equal(open_fh(FUSE_OPEN, node, O_RDONLY, &fh), 0);
	assert_int_equal(write_at(node, fh, 0, "x"), -EBADF);
	mkdir(path_of("sub"), 0755);
	assert_int_equal(open_fh(FUSE_OPEN, lookup(ROOT, "sub"), O_RDONLY, &fh), -EISDIR);
	assert_int_equal(open_fh(FUSE_OPENDIR, node, O_RDONLY, &fh), -ENOTDIR);
}

static u32 opened_flags(u64 node)
{
	const struct fuse_open_in in = { .flags = O_RDONLY };

	assert_int_equal(ask(FUSE_OPEN, node, &in, sizeof(in)), 0);
	return ((struct fuse_open_out *)guest_body())->open_flags;
}

static void age(const char *name, unsigned seconds)
{
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= seconds;
	times[1] = times[0];
	assert_int_equal(utimensat(AT_FDCWD, path_of(name), times, 0), 0);
}

static void kept_cache(void **state)
{
	host_file("a", "text", 0644);
	u64 node = lookup(ROOT, "a");

	/* Just changed: whether it changes again at once would not be seen. */
	assert_false(opened_flags(node) & FOPEN_KEEP_CACHE);
	struct export_node *n = export_find(export, node);
	s64 changed;
	/* Until the change is old enough. */
	do {
		struct timespec now;
		struct statx stx = attr_of(n);

		clock_gettime(CLOCK_REALTIME_COARSE, &now);
		changed = (now.tv_sec - stx.stx_ctime.tv_sec) * 1000 +
			  (now.tv_nsec - (s64)stx.stx_ctime.tv_nsec) / 1000000;
	} while (changed < 120);
	export_node_put(n, 1);
	assert_false(opened_flags(node) & FOPEN_KEEP_CACHE);
	assert_true(opened_flags(node) & FOPEN_KEEP_CACHE);
	assert_true(opened_flags(node) & FOPEN_KEEP_CACHE);
	age("a", 5);
	assert_false(opened_flags(node) & FOPEN_KEEP_CACHE);
}

static void cache_modes(void **state)
{
	const struct fuse_attr_out *attr = guest_body();

	host_file("a", "text", 0200);
	guest_boot_again(FUSE_CACHE_NONE);
	assert_int_equal(getattr(ROOT, NULL), 0);
	assert_int_equal(attr->attr_valid, 0);
	chmod(path_of("a"), 0600);
	assert_true(opened_flags(lookup(ROOT, "a")) & FOPEN_DIRECT_IO);
	guest_boot_again(FUSE_CACHE_ALWAYS);
	assert_int_equal(getattr(ROOT, NULL), 0);
	assert_true(attr->attr_valid >= 3600);
	assert_true(opened_flags(lookup(ROOT, "a")) & FOPEN_KEEP_CACHE);
}

static void write_back(void **state)
{
	u64 fh;

	guest_boot_again(FUSE_CACHE_WRITEBACK);
	/* The guest reads what is around what it writes, and tells where it appends. */
	u64 node = create(ROOT, "a", O_WRONLY | O_APPEND, &fh);
	assert_int_equal(write_at(node, fh, 0, "text"), 4);
	assert_reads(node, fh, "text");
	assert_int_equal(write_at(node, fh, 2, "s"), 1);
	assert_reads(node, fh, "test");
}

/* ---- names ---- */

static void made_and_moved(void **state)
{
	const struct fuse_mkdir_in mkdir_in = { .mode = 0777, .umask = 022 };
	const struct fuse_mknod_in fifo = { .mode = S_IFIFO | 0600 };
	struct fuse_attr attr;
	u64 fh;

	assert_int_equal(ask_name(FUSE_MKDIR, ROOT, &mkdir_in, sizeof(mkdir_in), "dir", NULL), 0);
	u64 dir_node = entry_node();
	assert_int_equal(host_stat("dir").st_mode, S_IFDIR | 0755);
	assert_int_equal(ask_name(FUSE_MKDIR, ROOT, &mkdir_in, sizeof(mkdir_in), "dir", NULL),
			 -EEXIST);
	assert_int_equal(ask_name(FUSE_MKNOD, dir_node, &fifo, sizeof(fifo), "fifo", NULL), 0);
	u64 fifo_node = entry_node();
	assert_int_equal(host_stat("dir/fifo").st_mode, S_IFIFO | 0600);
	assert_int_equal(open_fh(FUSE_OPEN, fifo_node, O_RDONLY, &fh), -ENXIO);
	assert_int_equal(ask_name(FUSE_SYMLINK, ROOT, "", 0, "link", "/etc/passwd"), 0);
	u64 link = entry_node();
	assert_int_equal(ask(FUSE_READLINK, link, "", 0), 0);
	assert_int_equal(guest_body_len(), 11);
	assert_memory_equal(guest_body(), "/etc/passwd", 11);
	assert_int_equal(open_fh(FUSE_OPEN, link, O_RDONLY, &fh), -ELOOP);

	u64 file = create(ROOT, "file", O_RDWR, &fh);
	struct fuse_link_in hard = { .oldnodeid = file };
	assert_int_equal(ask_name(FUSE_LINK, dir_node, &hard, sizeof(hard), "hard", NULL), 0);
	assert_int_equal(entry_node(), file);
	assert_int_equal(((struct fuse_entry_out *)guest_body())->attr.nlink, 2);
	hard.oldnodeid = 12345;
	assert_int_equal(ask_name(FUSE_LINK, dir_node, &hard, sizeof(hard), "hard2", NULL),
			 -ESTALE);

	struct fuse_rename_in rename_in = { .newdir = dir_node };
	assert_int_equal(
		ask_name(FUSE_RENAME, ROOT, &rename_in, sizeof(rename_in), "file", "moved"), 0);
	assert_int_equal(lookup(dir_node, "moved"), file);
	struct fuse_rename2_in rename2 = { .newdir = ROOT, .flags = RENAME_NOREPLACE };
	assert_int_equal(ask_name(FUSE_RENAME2, dir_node, &rename2, sizeof(rename2), "moved",
				  "link"),
			 -EEXIST);
	rename2.flags = RENAME_EXCHANGE;
	assert_int_equal(
		ask_name(FUSE_RENAME2, dir_node, &rename2, sizeof(rename2), "moved", "link"), 0);
	assert_int_equal(lookup(ROOT, "link"), file);
	rename2.flags = 8;
	assert_int_equal(ask_name(FUSE_RENAME2, dir_node, &rename2, sizeof(rename2), "moved",
				  "link"),
			 -EINVAL);
	rename2 = (struct fuse_rename2_in){ .newdir = 777 };
	assert_int_equal(ask_name(FUSE_RENAME2, dir_node, &rename2, sizeof(rename2), "moved",
				  "link"),
			 -ESTALE);

	/* Removed, and open all the same. */
	assert_int_equal(ask_name(FUSE_UNLINK, ROOT, "", 0, "link", NULL), 0);
	assert_int_equal(ask_name(FUSE_UNLINK, dir_node, "", 0, "hard", NULL), 0);
	assert_int_equal(getattr(file, &attr), 0);
	assert_int_equal(attr.nlink, 0);
	assert_int_equal(write_at(file, fh, 0, "x"), 1);
	assert_int_equal(ask_name(FUSE_RMDIR, ROOT, "", 0, "dir", NULL), -ENOTEMPTY);
	assert_int_equal(ask_name(FUSE_RMDIR, dir_node, "", 0, "fifo", NULL), -ENOTDIR);
	assert_int_equal(ask_name(FUSE_UNLINK, ROOT, "", 0, "dir", NULL), -EISDIR);
	/* No names, one of two, and what is no name. */
	assert_int_equal(ask(FUSE_UNLINK, ROOT, "ab", 2), -EINVAL);
	assert_int_equal(ask(FUSE_SYMLINK, ROOT, "ab\0cd", 5), -EINVAL);
	assert_int_equal(ask_name(FUSE_SYMLINK, ROOT, "", 0, "../x", "y"), -EINVAL);
}

static void temporary_file(void **state)
{
	const struct fuse_create_in in = { .flags = O_RDWR | O_EXCL, .mode = S_IFREG | 0600 };

	assert_int_equal(ask_name(FUSE_TMPFILE, ROOT, &in, sizeof(in), "#0", NULL), 0);
	u64 node = entry_node();
	u64 fh = opened_fh((struct fuse_entry_out *)guest_body() + 1);
	assert_int_equal(write_at(node, fh, 0, "x"), 1);
	assert_int_equal(release(FUSE_RELEASE, node, fh), 0);
}

static void owners(void **state)
{
	u64 fh;

	chmod(dir, 0777);
	guest_uid = 1000;
	guest_gid = 1001;
	create(ROOT, "a", O_RDWR, &fh);
	if (as_root) {
		assert_int_equal(host_stat("a").st_uid, 1000);
		assert_int_equal(host_stat("a").st_gid, 1001);
	}
	/* Nobody that could be translated: that makes nothing as root instead. */
	guest_uid = -1u;
	int err = create_err(ROOT, "b", O_RDWR | O_CREAT | O_EXCL, 0644, &fh);
	assert_int_equal(err, -EOVERFLOW);
	assert_int_equal(getattr(ROOT, NULL), 0);
}

/* ---- folders ---- */

static unsigned entries_seen[256];

static void list(u32 opcode, u32 size)
{
	struct fuse_read_in in = { .size = size };
	u8 *copy = malloc(GUEST_BUFFER);

	memset(entries_seen, 0, sizeof(entries_seen));
	assert_int_equal(open_fh(FUSE_OPENDIR, ROOT, O_RDONLY, &in.fh), 0);
	for (;;) {
		assert_int_equal(ask_len(opcode, ROOT, &in, sizeof(in), size), 0);
		if (!guest_body_len())
			break;
		/* Forgetting uses the buffer. */
		u32 written = guest.written;
		memcpy(copy, guest.answer, written);
		u8 *at = copy + 16, *end = copy + written;
		bool plus = opcode == FUSE_READDIRPLUS;
		while (at < end) {
			struct fuse_entry_out *entry = (void *)at;
			struct fuse_dirent *dirent = (void *)(plus ? entry + 1 : entry);

			at = (u8 *)dirent + FUSE_DIRENT_SIZE(dirent);
			assert_true(at <= end);
			in.offset = dirent->off;
			if (dirent->name[0] == 'n')
				entries_seen[strtoul(dirent->name + 1, NULL, 10)]++;
			if (!plus)
				continue;
			if (dirent->name[0] == '.') {
				assert_int_equal(entry->nodeid, 0);
				continue;
			}
			assert_int_equal(entry->attr.ino, dirent->ino);
			assert_int_equal(entry->attr.mode >> 12, dirent->type);
			forget(entry->nodeid, 1);
			assert_int_equal(getattr(entry->nodeid, NULL), -ESTALE);
		}
	}
	free(copy);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(entries_seen[i], 1);
	in.offset = 0;
	assert_int_equal(ask_len(opcode, ROOT, &in, sizeof(in), 10), -EINVAL);
	assert_int_equal(release(FUSE_RELEASEDIR, ROOT, in.fh), 0);
}

static void listed(void **state)
{
	char name[8];

	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		host_file(name, "", 0644);
	}
	list(FUSE_READDIR, 4096);
	list(FUSE_READDIR, 100);
	list(FUSE_READDIRPLUS, 4096);
	list(FUSE_READDIRPLUS, 300);
	guest_cut = 33;
	list(FUSE_READDIRPLUS, 700);
}

/* ---- attributes ---- */

static int setattr(u64 node, const struct fuse_setattr_in *in)
{
	return ask(FUSE_SETATTR, node, in, sizeof(*in));
}

static void changed(void **state)
{
	const struct fuse_attr_out *out = guest_body();
	u64 fh, node = create(ROOT, "a", O_RDWR, &fh);
	struct fuse_setattr_in in = { .valid = FATTR_MODE, .mode = S_IFREG | 0600 };

	assert_int_equal(setattr(node, &in), 0);
	assert_int_equal(out->attr.mode, S_IFREG | 0600);
	in = (struct fuse_setattr_in){ .valid = FATTR_SIZE | FATTR_FH, .size = 77, .fh = fh };
	assert_int_equal(setattr(node, &in), 0);
	assert_int_equal(out->attr.size, 77);
	in.fh = 0;
	assert_int_equal(setattr(node, &in), -EBADF);
	in = (struct fuse_setattr_in){ .valid = FATTR_ATIME | FATTR_MTIME };
	in.atime = 1000000000;
	in.mtime = 2000000000;
	in.mtimensec = 123456789;
	assert_int_equal(setattr(node, &in), 0);
	assert_int_equal(out->attr.atime, 1000000000);
	assert_int_equal(out->attr.mtimensec, 123456789);
	in.mtimensec = 1000000000;
	assert_int_equal(setattr(node, &in), -EINVAL);
	in = (struct fuse_setattr_in){ .valid = FATTR_MTIME | FATTR_MTIME_NOW };
	assert_int_equal(setattr(node, &in), 0);
	assert_int_not_equal(out->attr.mtime, 2000000000);
	assert_int_equal(out->attr.atime, 1000000000);
	in = (struct fuse_setattr_in){ .valid = FATTR_CTIME, .ctime = 1 };
	assert_int_equal(setattr(node, &in), 0);
	in = (struct fuse_setattr_in){ .valid = FATTR_SIZE, .size = ~0ull };
	assert_int_equal(setattr(node, &in), -EFBIG);
}

static void birth_time(void **state)
{
	const struct fuse_in_statx in = { .sx_mask = STATX_BASIC_STATS | STATX_BTIME };
	const struct fuse_out_statx *out = guest_body();
	const struct statx *stx = (void *)(out + 1);
	u64 fh, node = create(ROOT, "a", O_RDWR, &fh);
	struct stat st = host_stat("a");

	assert_int_equal(ask(FUSE_OP_STATX, node, &in, sizeof(in)), 0);
	assert_int_equal(guest_body_len(), 288);
	assert_int_equal(stx->stx_mode, S_IFREG | 0644);
	assert_int_equal(stx->stx_ctime.tv_sec, st.st_ctim.tv_sec);
	assert_true(stx->stx_mask & STATX_BTIME);
	assert_in_range(stx->stx_btime.tv_sec, st.st_ctim.tv_sec - 1, st.st_ctim.tv_sec);
	for (unsigned i = FUSE_STATX_USED; i < 256; i++)
		assert_int_equal(((u8 *)stx)[i], 0);
}

static void statfs_and_sync(void **state)
{
	const struct fuse_statfs_out *out = guest_body();
	const struct fuse_syncfs_in sync_in = { 0 };
	u64 fh, node = create(ROOT, "a", O_RDWR, &fh);
	const struct fuse_fsync_in fsync_in = { .fh = fh, .fsync_flags = 1 };
	const struct fuse_access_in access_in = { .mask = W_OK };

	assert_int_equal(ask(FUSE_STATFS, ROOT, "", 0), 0);
	assert_true(out->st.blocks && out->st.bsize);
	assert_int_equal(out->st.namelen, 255);
	assert_int_equal(ask(FUSE_SYNCFS, ROOT, &sync_in, sizeof(sync_in)), 0);
	assert_int_equal(ask(FUSE_FSYNC, node, &fsync_in, sizeof(fsync_in)), 0);
	assert_int_equal(ask(FUSE_ACCESS, node, &access_in, sizeof(access_in)), 0);
}

/* ---- xattrs ---- */

static int setxattr_fuse(u64 node, const char *name, const void *value, u32 size, u32 flags)
{
	const struct fuse_setxattr_in in = { .size = size, .flags = flags };
	u8 *args = malloc(sizeof(in) + 256 + size);
	u32 len = join(args, &in, sizeof(in), name, NULL);

	memcpy(args + len, value, size);
	int err = ask(FUSE_SETXATTR, node, args, len + size);
	free(args);
	return err;
}

static int getxattr_fuse(u64 node, const char *name, u32 size)
{
	const struct fuse_getxattr_in in = { .size = size };
	u8 args[512];
	u32 len = join(args, &in, sizeof(in), name, NULL);

	return ask_len(name ? FUSE_GETXATTR : FUSE_LISTXATTR, node, args, len, size ?: 8);
}

static void xattrs(void **state)
{
	static u8 value[65537];
	u64 fh, node = create(ROOT, "a", O_RDWR, &fh);
	const struct fuse_getxattr_out *out = guest_body();
	int err = setxattr_fuse(node, "user.one", "value", 5, 0);

	if (err == -EOPNOTSUPP)
		ELSEWHERE("this file system has no user xattrs");
	assert_int_equal(err, 0);
	assert_int_equal(setxattr_fuse(node, "user.one", "value", 5, XATTR_CREATE), -EEXIST);
	assert_int_equal(setxattr_fuse(node, "user.two", "v", 1, XATTR_REPLACE), -ENODATA);
	assert_int_equal(setxattr_fuse(node, "user.two", "v", 1, 4), -EINVAL);
	assert_int_equal(getxattr_fuse(node, "user.one", 0), 0);
	assert_int_equal(out->size, 5);
	assert_int_equal(getxattr_fuse(node, "user.one", 100), 0);
	assert_int_equal(guest_body_len(), 5);
	assert_memory_equal(guest_body(), "value", 5);
	assert_int_equal(getxattr_fuse(node, "user.one", 3), -ERANGE);
	assert_int_equal(getxattr_fuse(node, "user.none", 3), -ENODATA);
	assert_int_equal(getxattr_fuse(node, NULL, 1000), 0);
	assert_int_equal(guest_body_len(), 9);
	assert_int_equal(ask_name(FUSE_REMOVEXATTR, node, "", 0, "user.one", NULL), 0);
	assert_int_equal(ask_name(FUSE_REMOVEXATTR, node, "", 0, "user.one", NULL), -ENODATA);
	/* Longer than what is copied with the request. */
	for (unsigned i = 0; i < sizeof(value); i++)
		value[i] = i * 3;
	err = setxattr_fuse(node, "user.big", value, 20000, 0);
	assert_true(err == 0 || err == -ENOSPC || err == -E2BIG);
	if (!err) {
		assert_int_equal(getxattr_fuse(node, "user.big", 30000), 0);
		assert_int_equal(guest_body_len(), 20000);
		assert_memory_equal(guest_body(), value, 20000);
	}
	assert_int_equal(setxattr_fuse(node, "user.big", value, 65537, 0), -E2BIG);
}

/* Linux before 5.13: two words, and nothing between them and the name. */
static void old_xattr(void **state)
{
	const struct fuse_init_in init = { .major = 7, .minor = 31 };
	struct {
		u32 size, flags;
		char name_and_value[16];
	} set = { 5, 0, "user.old\0value" };
	char value[16];
	u64 fh;

	assert_int_equal(ask(FUSE_INIT, 0, &init, 16), 0);
	u64 node = create(ROOT, "a", O_RDWR, &fh);
	int err = ask(FUSE_SETXATTR, node, &set, 8 + 9 + 5);
	if (err == -EOPNOTSUPP)
		ELSEWHERE("this file system has no user xattrs");
	assert_int_equal(err, 0);
	assert_int_equal(getxattr(path_of("a"), "user.old", value, sizeof(value)), 5);
	assert_memory_equal(value, "value", 5);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		GUEST(data),
		GUEST(appended),
		GUEST(truncated_by_open),
		GUEST(kept_cache),
		GUEST(cache_modes),
		GUEST(write_back),
		GUEST(made_and_moved),
		GUEST(temporary_file),
		GUEST(owners),
		GUEST(listed),
		GUEST(changed),
		GUEST(birth_time),
		GUEST(statfs_and_sync),
		GUEST(xattrs),
		GUEST(old_xattr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_everywhere(run);
}
