// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * This machine's own Linux as the guest: the server behind a mount of /dev/fuse, in a mount namespace of its own, with each cache.
 * Skipped where that may not be had.
 */
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include "export_folder.h"
#include "lkvm/share/fuse.h"
#include "../../share/fuse-private.h"

#define BUFFER	(FUSE_MAX_WRITE + 8192)
#define THREADS 3

/* ---- the server: a process that ends when the mount does ---- */

struct job {
	struct share_request request;
	struct iovec out, in;
	u8 sent[BUFFER], answer[BUFFER];
};

static int device = -1;
static struct share_protocol *protocol;

static void job_done(struct share_request *request, u32 written)
{
	struct job *job = CONTAINER_OF(request, struct job, request);

	/* Of a request that was interrupted and is gone: ENOENT. */
	if (written && write(device, job->answer, written) < 0 && errno != ENOENT)
		fprintf(stderr, "Linux refuses an answer: %s\n", strerror(errno));
	free(job);
}

static void *serve(void *opaque)
{
	for (;;) {
		struct job *job = malloc(sizeof(*job));
		const struct fuse_in_header *header = (void *)job->sent;
		ssize_t len = read(device, job->sent, BUFFER);

		if (len < 0) {
			free(job);
			if (errno == ENODEV)
				return NULL;
			continue;
		}
		bool silent = header->opcode == FUSE_FORGET ||
			      header->opcode == FUSE_BATCH_FORGET ||
			      header->opcode == FUSE_INTERRUPT;
		u32 in_len = silent ? 0 : BUFFER;
		job->out = (struct iovec){ job->sent, len };
		job->in = (struct iovec){ job->answer, in_len };
		job->request = (struct share_request){
			.out = &job->out,
			.in = &job->in,
			.nr_out = 1,
			.nr_in = 1,
			.out_len = len,
			.in_len = in_len,
			.done = job_done,
		};
		protocol->ops->handle(protocol, &job->request);
	}
}

static void serve_folder(enum fuse_cache cache)
{
	const struct fuse_config config = { .cache = cache };
	pthread_t threads[THREADS];

	/* Keep the buffers: new ones would have to be zeroed each time. */
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	mallopt(M_ARENA_MAX, 1);
	open_export_with((struct export_config){ 0 });
	protocol = fuse_create(export, &config);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, serve, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	protocol->ops->destroy(protocol);
	export_node_put(root, 1);
	export_close(export);
}

/* ---- the mount ---- */

static char mounted[80];
static pid_t server_pid = -1;
static enum fuse_cache cache_now;
static bool may_mount;

static const char *in_mount(const char *name)
{
	static char path[4][512];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", mounted, name);
	return p;
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* A mount namespace, in which an ordinary user is root of its own. */
static bool own_namespace(void)
{
	char map[64];
	unsigned uid = geteuid(), gid = getegid();

	/* It was another user's process: its maps are root's until this. */
	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWNS | (uid ? CLONE_NEWUSER : 0)))
		return false;
	if (uid) {
		write_text("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "0 %u 1", uid);
		write_text("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "0 %u 1", gid);
		write_text("/proc/self/gid_map", map);
	}
	return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static int mount_begin(void **state)
{
	char options[128];

	if (!may_mount)
		return 0;
	snprintf(dir, sizeof(dir), "%s/lkvm-export-XXXXXX", getenv("EXPORT_TEST_IN"));
	if (!mkdtemp(dir))
		return -1;
	snprintf(mounted, sizeof(mounted), "%s-mount", dir);
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0 || mkdir(mounted, 0755))
		return -1;
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other",
		 device);
	if (mount("lkvm", mounted, "fuse", 0, options))
		return -1;
	server_pid = fork();
	if (!server_pid) {
		serve_folder(cache_now);
		_exit(0);
	}
	close(device);
	return 0;
}

static int mount_end(void **state)
{
	int status;

	if (!may_mount)
		return 0;
	if (umount(mounted) || waitpid(server_pid, &status, 0) != server_pid || status)
		return -1;
	rmdir(mounted);
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- cases ---- */

static int open_in(const char *name, int flags)
{
	int fd = open(in_mount(name), flags | O_CLOEXEC, 0644);

	if (fd < 0)
		fail_msg("%s: %s", name, strerror(errno));
	return fd;
}

static void assert_text(int fd, const char *text)
{
	char bytes[256];

	assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), strlen(text));
	assert_memory_equal(bytes, text, strlen(text));
}

static void names_and_files(void)
{
	struct stat st;
	int fd = open_in("a", O_CREAT | O_EXCL | O_RDWR);
	int other = open_in("b", O_CREAT | O_RDWR);

	assert_int_equal(write(fd, "text", 4), 4);
	assert_text(fd, "text");
	assert_int_equal(open(in_mount("a"), O_CREAT | O_EXCL | O_RDWR, 0600), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(renameat2(AT_FDCWD, in_mount("a"), AT_FDCWD, in_mount("b"), 1), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(renameat2(AT_FDCWD, in_mount("a"), AT_FDCWD, in_mount("b"), 2), 0);
	assert_int_equal(rename(in_mount("b"), in_mount("a")), 0);
	assert_int_equal(fstat(other, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(link(in_mount("a"), in_mount("hard")), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(unlink(in_mount("a")), 0);
	assert_int_equal(unlink(in_mount("hard")), 0);
	assert_int_equal(ftruncate(fd, 2), 0);
	assert_text(fd, "te");
	assert_int_equal(symlink("/nowhere", in_mount("link")), 0);
	assert_int_equal(lstat(in_mount("link"), &st), 0);
	assert_int_equal(st.st_size, 8);
	assert_int_equal(mkfifo(in_mount("fifo"), 0600), 0);
	assert_int_equal(mkdir(in_mount("dir"), 02755), 0);
	assert_int_equal(rmdir(in_mount("link")), -1);
	assert_int_equal(errno, ENOTDIR);
	close(fd);
	close(other);
	fd = open(mounted, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(fd >= 0 || errno == EOPNOTSUPP);
	if (fd >= 0) {
		assert_int_equal(write(fd, "x", 1), 1);
		close(fd);
	}
}

static void data_of_all_kinds(void)
{
	const struct timespec times[2] = { { 1000000000, 123456789 }, { 1500000000, 987654321 } };
	int fd = open_in("data", O_CREAT | O_RDWR), to = open_in("copy", O_CREAT | O_RDWR);
	struct stat st;
	off_t offset = 0;
	static char page[4096];

	assert_int_equal(pwrite(fd, "x", 1, MIB(1)), 1);
	assert_int_equal(fsync(fd), 0);
	/* What is only in the cache is no hole. */
	off_t found = lseek(fd, 0, SEEK_DATA);
	assert_true(cache_now == FUSE_CACHE_WRITEBACK ? found == 0 : found > 0);
	char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		/* Before Linux 6.6. */
		assert_int_equal(cache_now, FUSE_CACHE_NONE);
	} else {
		memcpy(map + 4000, "mapped", 6);
		assert_int_equal(msync(map, 8192, MS_SYNC), 0);
		munmap(map, 8192);
		int host = open(path_of("data"), O_RDONLY | O_CLOEXEC);
		assert_int_equal(pread(host, page, 6, 4000), 6);
		assert_memory_equal(page, "mapped", 6);
		close(host);
	}
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8192), 0);
	assert_int_equal(pread(fd, page, 6, 4000), 6);
	assert_int_equal(page[0], 0);
	assert_int_equal(pwrite(fd, "copied", 6, 0), 6);
	assert_int_equal(copy_file_range(fd, &offset, to, NULL, 6, 0), 6);
	assert_text(to, "copied");
	assert_int_equal(futimens(to, times), 0);
	assert_int_equal(fstat(to, &st), 0);
	assert_int_equal(st.st_mtim.tv_nsec, 987654321);
	close(fd);
	close(to);
	fd = open_in("copy", O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, " and more", 9), 9);
	close(fd);
	fd = open_in("copy", O_RDONLY);
	assert_text(fd, "copied and more");
	close(fd);
	assert_int_equal(host_stat("copy").st_size, 15);
}

static void entries(void)
{
	char name[16];
	unsigned seen = 0;

	for (unsigned i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "entry-%u", i);
		close(open_in(name, O_CREAT | O_RDWR));
	}
	for (unsigned twice = 0; twice < 2; twice++) {
		DIR *d = opendir(mounted);
		struct dirent *entry;

		seen = 0;
		while ((entry = readdir(d))) {
			if (strncmp(entry->d_name, "entry-", 6))
				continue;
			/* Others come and go meanwhile. */
			if (seen++ % 10)
				continue;
			snprintf(name, sizeof(name), "other-%u", seen);
			close(open_in(name, O_CREAT | O_RDWR));
			assert_int_equal(unlink(in_mount(name)), 0);
		}
		closedir(d);
		assert_int_equal(seen, 150);
	}
}

static void attributes(void)
{
	int fd = open_in("attr", O_CREAT | O_RDWR);
	struct statx stx;
	struct statvfs fs;
	char value[16];

	assert_int_equal(fchmod(fd, 0751), 0);
	assert_int_equal(host_stat("attr").st_mode & 07777, 0751);
	assert_int_equal(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &stx), 0);
	assert_int_equal(stx.stx_mode & 07777, 0751);
	assert_int_equal(statvfs(mounted, &fs), 0);
	assert_int_equal(fs.f_namemax, 255);
	if (!fsetxattr(fd, "user.test", "value", 5, 0)) {
		assert_int_equal(fgetxattr(fd, "user.test", value, sizeof(value)), 5);
		assert_int_equal(flistxattr(fd, value, 3), -1);
		assert_int_equal(errno, ERANGE);
		assert_int_equal(fremovexattr(fd, "user.test"), 0);
	}
	if (as_root) {
		assert_int_equal(fchmod(fd, 06755), 0);
		assert_int_equal(fchown(fd, 12, 13), 0);
		assert_int_equal(host_stat("attr").st_mode & 07777, 0755);
		assert_int_equal(host_stat("attr").st_uid, 12);
	}
	close(fd);
}

static void host_changes(void)
{
	/* The same size: only the data tells. */
	static const char *const texts[] = { "one", "two", "six" };

	/* Nobody else changes the folder, it was promised. */
	if (cache_now >= FUSE_CACHE_ALWAYS)
		return;
	host_file("seen", "000", 0644);
	for (unsigned i = 0; i < 3; i++) {
		host_file("seen", texts[i], 0644);
		for (unsigned twice = 0; twice < 2; twice++) {
			int fd = open_in("seen", O_RDONLY);

			assert_text(fd, texts[i]);
			close(fd);
		}
	}
}

static void alarm_rings(int signal)
{
}

static void locks(void)
{
	const struct sigaction action = { .sa_handler = alarm_rings };
	const struct itimerval soon = { .it_interval = { 0, 50000 }, .it_value = { 0, 50000 } };
	const struct itimerval never = { 0 };
	struct flock lock = { .l_type = F_WRLCK };
	int fd = open_in("lock", O_CREAT | O_RDWR), other = open_in("lock", O_RDWR);
	int host = open(path_of("lock"), O_RDWR | O_CLOEXEC);

	assert_int_equal(fcntl(host, F_OFD_SETLK, &lock), 0);
	lock = (struct flock){ .l_type = F_WRLCK };
	assert_int_equal(fcntl(fd, F_SETLK, &lock), -1);
	assert_int_equal(errno, EAGAIN);
	/* Interrupted, again and again since the first may come before it waits. */
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(fcntl(fd, F_SETLKW, &lock), -1);
	assert_int_equal(errno, EINTR);
	setitimer(ITIMER_REAL, &never, NULL);
	close(host);
	assert_int_equal(fcntl(fd, F_SETLKW, &lock), 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	host = open(path_of("lock"), O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(host, LOCK_EX | LOCK_NB), -1);
	close(fd);
	assert_int_equal(flock(other, LOCK_EX), 0);
	close(other);
	close(host);
}

static void all_cases(void **state)
{
	if (!may_mount)
		ELSEWHERE("/dev/fuse cannot be had here");
	names_and_files();
	data_of_all_kinds();
	entries();
	attributes();
	host_changes();
	locks();
}

#define CACHE(mode, cache)                                                                         \
	static int begin_##mode(void **state)                                                      \
	{                                                                                          \
		cache_now = cache;                                                                 \
		return mount_begin(state);                                                         \
	}                                                                                          \
	static void cache_##mode(void **state)                                                     \
	{                                                                                          \
		all_cases(state);                                                                  \
	}

CACHE(none, FUSE_CACHE_NONE)
CACHE(auto, FUSE_CACHE_AUTO)
CACHE(always, FUSE_CACHE_ALWAYS)
CACHE(writeback, FUSE_CACHE_WRITEBACK)

static int run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(cache_none, begin_none, mount_end),
		cmocka_unit_test_setup_teardown(cache_auto, begin_auto, mount_end),
		cmocka_unit_test_setup_teardown(cache_always, begin_always, mount_end),
		cmocka_unit_test_setup_teardown(cache_writeback, begin_writeback, mount_end),
	};

	may_mount = !access("/dev/fuse", R_OK | W_OK) && own_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_everywhere(run);
}
