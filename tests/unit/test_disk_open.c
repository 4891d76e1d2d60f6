// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening disk images: what is refused and why, locks, block devices. */
#include <errno.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "disk_file.h"

/* ---- refusals ---- */

static void test_open_errors(void **state)
{
	struct disk *disk;
	const char *path = path_of("nowhere");

	assert_refused((struct disk_config){ .path = path }, -ENOENT, "no such file");
	/* Names are anybody's, and stderr is a terminal's. */
	assert_int_equal(open_said(&disk,
				   (struct disk_config){ .path = "no\033[2J\nwhere\xc2\x9b" }),
			 -ENOENT);
	SAID("--disk no?[2J?where??: no such file");
	assert_refused((struct disk_config){ .path = dir }, -EISDIR, "is a directory");
	assert_refused((struct disk_config){ .path = "/dev/null" }, -EINVAL, "neither");
	path = path_of("fifo");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused((struct disk_config){ .path = path, .readonly = true }, -EINVAL, "neither");
	path = make_file("empty", 0);
	assert_refused((struct disk_config){ .path = path }, -EINVAL, "is empty");
	/* A refusal leaves no lock behind. */
	assert_int_equal(truncate(path, 512), 0);
	disk_close(open_good(path, false, false));
}

/* Root may write anywhere, so another user's eyes are needed. */
static void test_permissions(void **state)
{
	const char *path = make_file("readable", 512);
	const char *secret = make_file("secret", 512);

	if (getuid())
		skip();
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chmod(path, 0444), 0);
	pid_t pid = fork();
	if (!pid) {
		struct disk *disk;

		if (setuid(65534))
			_exit(1);
		if (open_said(&disk, (struct disk_config){ .path = path }) != -EACCES ||
		    !strstr(said, "readable,ro"))
			_exit(2);
		if (open_said(&disk, (struct disk_config){ .path = path, .readonly = true }))
			_exit(3);
		if (open_said(&disk, (struct disk_config){ .path = secret }) != -EACCES ||
		    strstr(said, ",ro") || !strstr(said, "Permission denied"))
			_exit(4);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_sizes(void **state)
{
	struct disk *disk = open_good(make_file("whole", 8192), false, false);
	u8 buffer[1024];

	assert_int_equal(disk_info(disk)->size, 8192);
	assert_int_equal(disk_info(disk)->block_size, 512);
	assert_true(disk_info(disk)->physical_block_size >= 512);
	assert_false(disk_info(disk)->readonly);
	disk_close(disk);

	const char *path = make_file("odd", 0);
	int fd = open(path, O_WRONLY);
	fill(buffer, 700, 1);
	assert_int_equal(write(fd, buffer, 700), 700);
	close(fd);
	disk = open_good(path, true, false);
	assert_true(disk_info(disk)->readonly);
	assert_int_equal(disk_info(disk)->size, 1024);
	u8 seen[1024];
	memset(seen, 0xee, sizeof(seen));
	assert_int_equal(rw(disk, DISK_READ, 0, seen, 1024), 0);
	assert_memory_equal(seen, buffer, 700);
	assert_true(all_zero(seen + 700, 324));
	memset(seen, 0xee, sizeof(seen));
	assert_int_equal(rw(disk, DISK_READ, 512, seen, 512), 0);
	assert_memory_equal(seen, buffer + 512, 188);
	assert_true(all_zero(seen + 188, 324));
	assert_int_equal(rw(disk, DISK_WRITE, 0, seen, 512), -EROFS);
	assert_int_equal(run_one(disk, (struct disk_request){ .operation = DISK_FLUSH }), 0);
	disk_close(disk);

	/* Written, the last sector becomes whole. */
	disk = open_good(path, false, false);
	fill(seen, 512, 9);
	assert_int_equal(rw(disk, DISK_WRITE, 512, seen, 512), 0);
	disk_close(disk);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 1024);
}

static void test_format_warning(void **state)
{
	const char *path = make_file("image", 4096);
	int fd = open(path, O_WRONLY);

	assert_int_equal(write(fd, "QFI\xfb\0\0\0\3", 8), 8);
	close(fd);
	disk_close(open_good(path, true, false));
	assert_non_null(strstr(said, "qcow2"));
}

/* ---- locks ---- */

static void test_locks_in_one_process(void **state)
{
	const char *path = make_file("locked", 4096);
	const char *other_name = path_of("hardlink");
	struct disk *writer = open_good(path, false, false), *reader, *second;

	assert_int_equal(link(path, other_name), 0);
	assert_refused((struct disk_config){ .path = path }, -EBUSY, "given twice");
	assert_refused((struct disk_config){ .path = other_name, .readonly = true }, -EBUSY,
		       "given twice");
	disk_close(writer);
	reader = open_good(path, true, false);
	second = open_good(other_name, true, false);
	assert_refused((struct disk_config){ .path = path }, -EBUSY, "given twice");
	disk_close(reader);
	disk_close(second);
	disk_close(open_good(path, false, false));
}

static u64 stat_inode(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

static void test_locks_between_processes(void **state)
{
	const char *path = make_file("shared", 4096);
	int ready[2], stop[2];
	char words[64], byte;

	assert_int_equal(pipe(ready) | pipe(stop), 0);
	pid_t pid = fork();
	if (!pid) {
		struct disk *disk;
		struct disk_config config = { .path = path };

		close(stop[1]);
		if (disk_open(&disk, &config) || write(ready[1], "x", 1) != 1)
			_exit(1);
		if (read(stop[0], &byte, 1))
			_exit(2);
		_exit(0); /* without closing, as if killed */
	}
	close(stop[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	snprintf(words, sizeof(words), "(PID %d)", pid);
	assert_refused((struct disk_config){ .path = path }, -EBUSY, words);
	assert_refused((struct disk_config){ .path = path, .readonly = true }, -EBUSY, words);
	close(stop[1]);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	disk_close(open_good(path, false, false));
	close(ready[0]);
	close(ready[1]);
}

/* This user, with a lock on the file that anybody may take who may read it, until `stop` is closed. */
static pid_t lock_as(uid_t user, const char *path, int flags, int command, int stop[2])
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready) | pipe(stop), 0);
	pid = fork();
	if (!pid) {
		int fd;

		close(stop[1]);
		prctl(PR_SET_NAME, "no\033[2Jbody");
		if (user != geteuid() &&
		    (setresgid(user, user, user) || setresuid(user, user, user)))
			_exit(1);
		fd = open(path, flags);
		if (fd < 0 || fcntl(fd, command, &lock) || write(ready[1], "x", 1) != 1)
			_exit(2);
		_exit(read(stop[0], &byte, 1));
	}
	close(stop[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void let_go(pid_t pid, int stop[2])
{
	int status;

	close(stop[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The older kind of lock, which belongs to a process, is one as well. */
static void test_lock_of_a_process(void **state)
{
	const char *path = make_file("older", 4096);
	int stop[2];
	pid_t pid = lock_as(geteuid(), path, O_RDONLY, F_SETLK, stop);

	assert_refused((struct disk_config){ .path = path }, -EBUSY, "in use by no?[2Jbody (PID");
	disk_close(open_good(path, true, false));
	let_go(pid, stop);
	disk_close(open_good(path, false, false));
}

/* Who may only read an image does not keep its owner out; he keeps out others all the same. */
static void test_lock_of_another_users(void **state)
{
	const char *path = make_file("world", 4096);
	struct disk *disk;
	int stop[2];
	pid_t pid;

	if (geteuid() || stat_inode("/proc/self/ns/pid") != 0xeffffffc)
		skip();
	assert_int_equal(chmod(dir, 0711) | chmod(path, 0644), 0);
	pid = lock_as(65534, path, O_RDONLY, F_OFD_SETLK, stop);
	disk = open_good(path, false, false);
	SAID("a program of another user has locked it for reading");
	assert_refused((struct disk_config){ .path = path }, -EBUSY, "given twice");
	disk_close(disk);
	disk_close(open_good(path, false, false));
	/* He could write it as well, so he may be doing so; his name is not what it was made for. */
	assert_int_equal(chmod(path, 0666), 0);
	assert_refused((struct disk_config){ .path = path }, -EBUSY, "in use by no?[2Jbody (PID");
	let_go(pid, stop);
	pid = lock_as(65534, path, O_RDWR, F_OFD_SETLK, stop);
	assert_int_equal(chmod(path, 0644), 0);
	assert_refused((struct disk_config){ .path = path }, -EBUSY, "in use by no?[2Jbody (PID");
	let_go(pid, stop);
	disk_close(open_good(path, false, false));
}

static void test_direct_refused(void **state)
{
	/* procfs and sysfs files are regular and know no O_DIRECT; being empty they fail before. */
	int memfd = memfd_create("direct", 0);
	struct disk *disk;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	assert_int_equal(ftruncate(memfd, 4096), 0);
	/* Old kernels refuse it on tmpfs, new ones pretend: both must end well. */
	if (open_said(&disk, (struct disk_config){ .path = path, .direct = true }))
		assert_non_null(strstr(said, "leave out ,direct"));
	else
		disk_close(disk);
	close(memfd);
}

/* ---- block devices: a loop device, where the test may make one ---- */

/* Goes away with the descriptor that is returned. */
static int make_block_device(const char *image, unsigned block_size, char *path, size_t size)
{
	struct loop_config config = { .block_size = block_size,
				      .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), fd = -1;

	for (unsigned tries = 0; control >= 0 && fd < 0 && tries < 5; tries++) {
		snprintf(path, size, "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
		fd = open(path, O_RDWR | O_CLOEXEC);
		config.fd = open(image, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config)) {
			close(fd);
			fd = -1;
		}
		close(config.fd);
	}
	close(control);
	if (fd < 0)
		skip();
	return fd;
}

static void test_block_device(void **state)
{
	const char *image = make_file("block", MIB(4));
	static u8 data[KIB(64)] __attribute__((aligned(4096))), seen[KIB(64)];
	char path[32];
	int fd = make_block_device(image, 4096, path, sizeof(path));
	struct disk *disk = open_good(path, false, false);

	assert_int_equal(disk_info(disk)->size, MIB(4));
	assert_int_equal(disk_info(disk)->block_size, 4096);
	assert_int_equal(disk_info(disk)->physical_block_size, 4096);
	assert_refused((struct disk_config){ .path = path }, -EBUSY, "given twice");
	fill(data, sizeof(data), 4);
	assert_int_equal(rw(disk, DISK_WRITE, 0, data, sizeof(data)), 0);
	/* Sectors smaller than the device's blocks. */
	memset(data + 512, 7, 1024);
	assert_int_equal(rw(disk, DISK_WRITE, 512, data + 512, 1024), 0);
	assert_int_equal(on_range(disk, DISK_WRITE_ZEROES, 9 * 512, 512, true), 0);
	memset(data + 9 * 512, 0, 512);
	assert_int_equal(on_range(disk, DISK_WRITE_ZEROES, 8192, 8192, false), 0);
	assert_int_equal(on_range(disk, DISK_WRITE_ZEROES, 16384, 8192, true), 0);
	memset(data + 8192, 0, 16384);
	assert_int_equal(rw(disk, DISK_READ, 0, seen, sizeof(seen)), 0);
	assert_memory_equal(data, seen, sizeof(data));
	if (disk_info(disk)->can_discard) {
		/* What is left of this in whole blocks is one; the rest is nothing. */
		assert_int_equal(on_range(disk, DISK_DISCARD, 32768 - 512, 4096 + 1024, false), 0);
		assert_int_equal(on_range(disk, DISK_DISCARD, 512, 1024, false), 0);
		memset(data + 32768, 0, 4096);
		assert_int_equal(rw(disk, DISK_READ, 0, seen, sizeof(seen)), 0);
		assert_memory_equal(data, seen, sizeof(data));
	}
	disk_close(disk);

	disk = open_direct_or_skip(path);
	memset(data + 1024, 8, 512);
	assert_int_equal(rw(disk, DISK_WRITE, 1024, data + 1024, 512), 0);
	assert_int_equal(rw(disk, DISK_WRITE, 40960, data, 4096), 0);
	memcpy(data + 40960, data, 4096);
	assert_int_equal(on_range(disk, DISK_WRITE_ZEROES, 41472, 512, false), 0);
	memset(data + 41472, 0, 512);
	assert_int_equal(rw(disk, DISK_READ, 0, seen, sizeof(seen)), 0);
	assert_memory_equal(data, seen, sizeof(data));
	disk_close(disk);
	close(fd);
}

/* The system's claims on a block device look like the claim of this process here. */
static void test_claimed_block_device(void **state)
{
	char path[32];
	int fd = make_block_device(make_file("claimed", MIB(1)), 512, path, sizeof(path));
	int claim = open(path, O_RDONLY | O_EXCL);

	assert_true(claim >= 0);
	assert_refused((struct disk_config){ .path = path }, -EBUSY, "given twice");
	disk_close(open_good(path, true, false));
	close(claim);
	disk_close(open_good(path, false, false));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_errors),
		cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_format_warning),
		cmocka_unit_test(test_locks_in_one_process),
		cmocka_unit_test(test_locks_between_processes),
		cmocka_unit_test(test_lock_of_a_process),
		cmocka_unit_test(test_lock_of_another_users),
		cmocka_unit_test(test_direct_refused),
		cmocka_unit_test(test_block_device),
		cmocka_unit_test(test_claimed_block_device),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
