/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An export of a folder of its own, and short names for what tests do with it. run_everywhere() runs a program's tests as root
 * and as an ordinary user, on the file systems of /tmp and /dev/shm or of those folders that EXPORT_TEST_FOLDERS names, each in
 * a process of its own.
 */
#ifndef TEST_EXPORT_FOLDER_H
#define TEST_EXPORT_FOLDER_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lkvm/share/export.h"

#define NOBODY 65534

static char dir[64];
static struct export *export;
static struct export_node *root;
static bool as_root;
static unsigned descriptors_before;
static const struct export_caller guest_root;
static const struct export_caller guest_user = { .uid = 1000, .gid = 1000, .pid = 7 };

static inline const char *path_of(const char *name)
{
	static char path[4][512];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static inline void host_file(const char *name, const char *content, mode_t mode)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static inline struct stat host_stat(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(path_of(name), &st), 0);
	return st;
}

static inline unsigned open_descriptors(void)
{
	DIR *fds = opendir("/proc/self/fd");
	unsigned nr = 0;

	while (readdir(fds))
		nr++;
	closedir(fds);
	return nr;
}

static inline void open_export_with(struct export_config config)
{
	descriptors_before = open_descriptors();
	config.folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(config.folder >= 0);
	config.proc_fds = -1;
	config.root = as_root;
	if (!config.descriptors)
		config.descriptors = 1000;
	assert_int_equal(export_open(&export, &config), 0);
	root = export_root(export);
}

static inline void close_export(void)
{
	export_node_put(root, 1);
	export_close(export);
	assert_int_equal(open_descriptors(), descriptors_before);
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline int folder_begin(void **state)
{
	snprintf(dir, sizeof(dir), "%s/lkvm-export-XXXXXX", getenv("EXPORT_TEST_IN"));
	if (!mkdtemp(dir) || chmod(dir, 0755))
		return -1;
	open_export_with((struct export_config){ 0 });
	return 0;
}

static inline int folder_end(void **state)
{
	close_export();
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- short names ---- */

static inline struct export_node *look(struct export_node *parent, const char *name)
{
	struct export_node *node = NULL;
	int err = export_lookup(parent, name, &guest_root, &node, NULL);

	if (err)
		fail_msg("%s: %s", name, strerror(-err));
	return node;
}

static inline int look_err(struct export_node *parent, const char *name)
{
	struct export_node *node;
	int err = export_lookup(parent, name, &guest_root, &node, NULL);

	if (!err)
		export_node_put(node, 1);
	return err;
}

static inline void put(struct export_node *node)
{
	export_node_put(node, 1);
}

static inline struct statx attr_of(struct export_node *node)
{
	struct export_attr attr;

	assert_int_equal(export_getattr(node, NULL, 0, &attr), 0);
	return attr.statx;
}

static inline struct export_file *open_node(struct export_node *node, int flags)
{
	struct export_file *file = NULL;
	int err = export_open_file(node, &guest_root, flags, &file);

	if (err)
		fail_msg("open: %s", strerror(-err));
	return file;
}

static inline int open_err(struct export_node *node, int flags)
{
	struct export_file *file;
	int err = export_open_file(node, &guest_root, flags, &file);

	if (!err)
		export_file_put(file);
	return err;
}

static inline struct export_node *make_folder(struct export_node *parent, const char *name)
{
	struct export_node *node = NULL;

	assert_int_equal(export_mkdir(parent, name, &guest_root, 0755, &node, NULL), 0);
	return node;
}

static inline struct export_node *make_file(struct export_node *parent, const char *name,
					    struct export_file **filep)
{
	struct export_node *node = NULL;
	struct export_file *file;

	assert_int_equal(export_create(parent, name, &guest_root, O_RDWR, 0644, &node, NULL, &file),
			 0);
	if (filep)
		*filep = file;
	else
		export_file_put(file);
	return node;
}

static inline ssize_t put_bytes(struct export_file *file, const char *bytes, u64 offset)
{
	struct iovec iov = { (void *)bytes, strlen(bytes) };

	return export_write(file, &guest_root, &iov, 1, offset, 0);
}

static inline ssize_t get_bytes(struct export_file *file, char *bytes, size_t size, u64 offset)
{
	struct iovec iov = { bytes, size };

	return export_read(file, &iov, 1, offset);
}

static inline void assert_content(struct export_file *file, const char *expected)
{
	char bytes[256] = "";
	ssize_t len = get_bytes(file, bytes, sizeof(bytes) - 1, 0);

	assert_int_equal(len, strlen(expected));
	assert_memory_equal(bytes, expected, len);
}

/* Not of the machine's disk, which has others' data to write. */
static inline int try_syncfs(struct export_node *node)
{
	return strncmp(dir, "/dev/shm", 8) ? 0 : export_syncfs(node);
}

/* ---- everywhere ---- */

static inline int run_as(const char *in, bool user, int (*run)(void))
{
	int status;

	fflush(NULL);
	pid_t pid = fork();
	if (!pid) {
		setenv("EXPORT_TEST_IN", in, 1);
		if (user && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
			     setresuid(NOBODY, NOBODY, NOBODY)))
			_exit(99);
		as_root = !geteuid();
		printf("%s, %s\n", in, as_root ? "root" : "an ordinary user");
		exit(run());
	}
	if (pid > 0 && waitpid(pid, &status, 0) == pid && !status)
		return 0;
	printf("%s, %s: %s %d\n", in, user ? "an ordinary user" : "root",
	       pid > 0 ? "status" : "not run, errno", pid > 0 ? status : errno);
	return 1;
}

static inline int run_everywhere(int (*run)(void))
{
	char *folders = strdup(getenv("EXPORT_TEST_FOLDERS") ?: "/tmp:/dev/shm"), *rest = folders;
	const char *in;
	int failed = 0;

	while ((in = strsep(&rest, ":"))) {
		if (access(in, W_OK))
			continue;
		if (!geteuid())
			failed += run_as(in, false, run);
		failed += run_as(in, !geteuid(), run);
	}
	free(folders);
	return failed;
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, folder_begin, folder_end)

/* A case that this user, host or file system has nothing for; one of the other runs has. */
#define ELSEWHERE(why)                                                                             \
	do {                                                                                       \
		print_message("elsewhere %s: %s\n", __func__, why);                                \
		return;                                                                            \
	} while (0)

#endif
