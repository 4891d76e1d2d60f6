// SPDX-License-Identifier: GPL-2.0-or-later
/* What guest RAM is made of, kind by kind, without KVM. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lkvm/util/log.h"
#include "lkvm/memory/memory.h"
#include "lkvm/config/memory-config.h"
#include "said.h"
#include "lkvm/memory/backends.h"

#define SIZE MIB(8)
#define LOW  MIB(6)
#define HIGH GIB(4)

/* In place of the C library's: a file system that knows no holes, on demand. */
static bool no_holes;

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	errno = EOPNOTSUPP;
	return no_holes ? -1 : (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

static char folder[] = "/tmp/lkvm-memory-XXXXXX", path[64];
static struct memory_config config;
static struct guest_memory memory;

static int setup(void **state)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/ram", folder);
	config = (struct memory_config){ .path = path };
	no_holes = false;
	guest_memory_init(&memory);
	return 0;
}

static int teardown(void **state)
{
	guest_memory_destroy(&memory);
	unlink(path);
	rmdir(folder);
	return 0;
}

static void make(enum memory_kind kind)
{
	config.kind = kind;
	assert_int_equal(guest_memory_use(&memory, &config, SIZE), 0);
	assert_int_equal(guest_memory_add_ram(&memory, 0, LOW), 0);
	assert_int_equal(guest_memory_add_ram(&memory, HIGH, SIZE - LOW), 0);
}

static int use(enum memory_kind kind, u64 size)
{
	int error;

	config.kind = kind;
	said_begin();
	error = guest_memory_use(&memory, &config, size) ?: guest_memory_attach(&memory, -1);
	said_end();
	return error;
}

static u8 *at(gpa_t gpa)
{
	return guest_memory_hva_writable(&memory, gpa, 1);
}

static unsigned resident(const struct guest_region *region)
{
	unsigned pages = region->size / 4096, there = 0;
	u8 *map = malloc(pages);

	assert_int_equal(mincore(region->hva, region->size, map), 0);
	for (unsigned i = 0; i < pages; i++)
		there += map[i] & 1;
	free(map);
	return there;
}

static void make_file(u64 size, u8 fill)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	u8 *bytes = calloc(1, size);

	memset(bytes, fill, size);
	assert_int_equal(write(fd, bytes, size), size);
	free(bytes);
	close(fd);
}

/* Zero at first, one's own, and zero again after a reboot, to the last byte. */
static void lives_of(enum memory_kind kind)
{
	static const gpa_t places[] = { 0, LOW - 1, HIGH, HIGH + SIZE - LOW - 1 };

	make(kind);
	for (int life = 0; life < 2; life++) {
		for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
			assert_int_equal(*at(places[i]), 0);
			*at(places[i]) = 0x10 + i;
		}
		for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
			assert_int_equal(*at(places[i]), 0x10 + i);
		assert_int_equal(guest_memory_clear(&memory), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
		assert_int_equal(*at(places[i]), 0);
}

static void anonymous_lives(void **state)
{
	lives_of(MEMORY_ANONYMOUS);
	assert_int_equal(memory.fd, -1);
}

static void memfd_lives(void **state)
{
	lives_of(MEMORY_MEMFD);
}

static void file_lives(void **state)
{
	lives_of(MEMORY_FILE);
}

/* What a reboot does not need goes back to the host. */
static void clearing_gives_pages_back(void **state)
{
	struct stat st;

	make(MEMORY_MEMFD);
	memset(at(0), 1, LOW);
	assert_int_equal(fstat(memory.fd, &st), 0);
	assert_in_range(st.st_blocks * 512, LOW, SIZE);
	assert_int_equal(guest_memory_clear(&memory), 0);
	assert_int_equal(fstat(memory.fd, &st), 0);
	assert_int_equal(st.st_blocks, 0);
}

static void memfd_can_be_shared_and_not_resized(void **state)
{
	u8 *elsewhere;

	make(MEMORY_MEMFD);
	elsewhere = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, memory.fd, 0);
	*at(LOW - 1) = 5;
	*at(HIGH) = 6;
	assert_int_equal(elsewhere[LOW - 1], 5);
	assert_int_equal(elsewhere[LOW], 6);
	munmap(elsewhere, SIZE);
	assert_int_equal(ftruncate(memory.fd, SIZE - 4096), -1);
	assert_int_equal(ftruncate(memory.fd, SIZE + 4096), -1);
	assert_int_equal(fcntl(memory.fd, F_GETFD), FD_CLOEXEC);
}

static void other_memory_stays_anonymous(void **state)
{
	struct stat st;

	make(MEMORY_MEMFD);
	assert_int_equal(guest_memory_add_unlisted(&memory, HIGH * 2, 0x10000), 0);
	*at(HIGH * 2) = 1;
	assert_int_equal(fstat(memory.fd, &st), 0);
	assert_int_equal(st.st_blocks, 0);
	assert_false(memory.regions[2].shared);
	assert_int_equal(guest_memory_clear(&memory), 0);
	assert_int_equal(*at(HIGH * 2), 0);
}

/* Only so can KVM map huge pages. */
static void addresses_agree_in_a_huge_page(void **state)
{
	make(MEMORY_MEMFD);
	for (unsigned i = 0; i < memory.nr_regions; i++)
		assert_true(IS_ALIGNED((uintptr_t)memory.regions[i].hva - memory.regions[i].gpa,
				       MIB(2)));
	assert_int_equal(guest_memory_add_unlisted(&memory, HIGH * 2 + 0x30000, MIB(4)), 0);
	assert_true(IS_ALIGNED((uintptr_t)memory.regions[2].hva - 0x30000, MIB(2)));
	memset(at(HIGH * 2 + 0x30000), 1, MIB(4));
}

static void preallocated(enum memory_kind kind)
{
	config.prealloc = true;
	make(kind);
	for (int life = 0; life < 2; life++) {
		assert_int_equal(resident(&memory.regions[0]), LOW / 4096);
		assert_int_equal(resident(&memory.regions[1]), (SIZE - LOW) / 4096);
		*at(5) = 1;
		assert_int_equal(guest_memory_clear(&memory), 0);
		assert_int_equal(*at(5), 0);
	}
}

static void anonymous_made_ahead(void **state)
{
	preallocated(MEMORY_ANONYMOUS);
}

static void memfd_made_ahead(void **state)
{
	preallocated(MEMORY_MEMFD);
}

/* More than one thread's part. */
static void much_made_ahead(void **state)
{
	config.prealloc = true;
	config.kind = MEMORY_ANONYMOUS;
	assert_int_equal(guest_memory_use(&memory, &config, MIB(300)), 0);
	assert_int_equal(guest_memory_add_ram(&memory, 0, MIB(300)), 0);
	assert_int_equal(resident(&memory.regions[0]), MIB(300) / 4096);
}

/* Who binds the process to some CPUs wants no more threads than these, each on its own. */
static void as_many_threads_as_cpus(void **state)
{
	cpu_set_t all, one;
	char expected[32];
	unsigned first = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	while (!CPU_ISSET(first, &all))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	log_set_level(LOG_LEVEL_DEBUG);
	config.prealloc = true;
	assert_int_equal(guest_memory_use(&memory, &config, MIB(384)), 0);
	said_begin();
	assert_int_equal(guest_memory_add_ram(&memory, 0, MIB(384)), 0);
	said_end();
	snprintf(expected, sizeof(expected), "ms, threads: %d\n", MIN(CPU_COUNT(&all), 3));
	assert_non_null(strstr(said, expected));
	assert_non_null(strstr(said, "made 384 MiB in "));
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	said_begin();
	assert_int_equal(guest_memory_clear(&memory), 0);
	said_end();
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	log_set_level(LOG_LEVEL_INFO);
	assert_non_null(strstr(said, "ms, threads: 1\n"));
}

/* ---- files ---- */

static void a_file_keeps_what_the_guest_leaves(void **state)
{
	u8 byte = 0;
	int fd;

	make(MEMORY_FILE);
	*at(HIGH) = 7;
	guest_memory_destroy(&memory);
	fd = open(path, O_RDONLY);
	assert_int_equal(lseek(fd, 0, SEEK_END), SIZE);
	assert_int_equal(pread(fd, &byte, 1, LOW), 1);
	assert_int_equal(byte, 7);
	close(fd);
}

static void a_file_loses_what_was_in_it(void **state)
{
	struct stat st;

	make_file(SIZE + 4096, 9);
	make(MEMORY_FILE);
	assert_int_equal(*at(0), 0);
	assert_int_equal(*at(HIGH + SIZE - LOW - 1), 0);
	/* But nothing that is not the guest's. */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, SIZE + 4096);
	assert_int_equal(st.st_blocks * 512, 4096);
}

/* Not the whole of it, as a conversion of pages does it: what is beside it stays. */
static void zeroes_where_there_are_no_holes(void **state)
{
	make(MEMORY_FILE);
	memset(at(0), 1, LOW);
	no_holes = true;
	memory_zero(&memory, &memory.regions[0], 4096, 8192);
	assert_int_equal(*at(4095), 1);
	assert_int_equal(*at(4096), 0);
	assert_int_equal(*at(3 * 4096 - 1), 0);
	assert_int_equal(*at(3 * 4096), 1);
	assert_int_equal(guest_memory_clear(&memory), 0);
	assert_int_equal(*at(LOW - 1), 0);
}

/* The next attempt would find an empty file, and take it for somebody's. */
static void a_file_that_cannot_be_made_is_not_left(void **state)
{
	struct rlimit before, little;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	little = (struct rlimit){ .rlim_cur = MIB(1), .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	assert_int_equal(use(MEMORY_FILE, SIZE), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	SAID("/ram: File too large");
	assert_int_equal(access(path, F_OK), -1);
}

static void memory_that_cannot_be_filled_is_told(void **state)
{
	config.prealloc = true;
	make(MEMORY_FILE);
	assert_int_equal(truncate(path, LOW), 0);
	said_begin();
	assert_int_equal(guest_memory_clear(&memory), -EFAULT);
	said_end();
	SAID("Fatal: --mem-backend file: prealloc: not all of 2 MiB can be had: ");
	SAID("/ram was made shorter, to 6144 KiB of 8192; ");
}

static void a_small_file_is_refused_and_stays(void **state)
{
	struct stat st;

	make_file(MIB(1), 9);
	assert_int_equal(use(MEMORY_FILE, SIZE), -EINVAL);
	SAID("--mem-backend file: /tmp/");
	SAID("has 1024 KiB, the guest's memory 8192 KiB");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, MIB(1));
	assert_int_equal(st.st_blocks * 512, MIB(1));
}

static void a_file_has_one_guest(void **state)
{
	struct guest_memory second;

	make(MEMORY_FILE);
	*at(0) = 1;
	guest_memory_init(&second);
	said_begin();
	assert_int_equal(guest_memory_use(&second, &config, SIZE), -EBUSY);
	said_end();
	SAID("is in use by");
	guest_memory_destroy(&second);
	assert_int_equal(*at(0), 1);
}

/* What others can change or read is not taken for the guest's memory without a word. */
static void a_file_is_ones_own(void **state)
{
	make_file(SIZE, 0);
	assert_int_equal(chmod(path, 0602), 0);
	assert_int_equal(use(MEMORY_FILE, SIZE), -EPERM);
	SAID("others may write to");
	SAID("(mode 0602)");
	guest_memory_destroy(&memory);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(use(MEMORY_FILE, SIZE), 0);
	SAID("Warning: --mem-backend file: others may read");
	guest_memory_destroy(&memory);
	if (geteuid() || chown(path, 65534, -1))
		return;
	assert_int_equal(use(MEMORY_FILE, SIZE), -EPERM);
	SAID("belongs to user 65534");
}

static void other_things_are_no_memory(void **state)
{
	config.path = folder;
	assert_int_equal(use(MEMORY_FILE, SIZE), -EISDIR);
	SAID("Is a directory");
	guest_memory_destroy(&memory);
	config.path = "/dev/null";
	assert_int_equal(use(MEMORY_FILE, SIZE), -EINVAL);
	SAID("/dev/null: it is not a regular file");
	guest_memory_destroy(&memory);
	config.path = "/nonexistent/ram";
	assert_int_equal(use(MEMORY_FILE, SIZE), -ENOENT);
	SAID("No such file");
}

/* ---- what a guest does not need while it runs ---- */

static void pages_go_back(enum memory_kind kind)
{
	make(kind);
	memset(at(0), 1, MIB(1));
	memset(at(HIGH), 1, MIB(1));
	assert_int_equal(guest_memory_give_back(&memory, 4096, 8192), 0);
	assert_int_equal(guest_memory_give_back(&memory, HIGH, MIB(1)), 0);
	assert_int_equal(*at(4095), 1);
	assert_int_equal(*at(3 * 4096), 1);
	assert_int_equal(*at(4096), 0);
	assert_int_equal(*at(3 * 4096 - 1), 0);
	assert_int_equal(*at(HIGH + MIB(1) - 1), 0);
	*at(4096) = 2;
	assert_int_equal(*at(4096), 2);
}

static void anonymous_goes_back(void **state)
{
	pages_go_back(MEMORY_ANONYMOUS);
	memset(at(0), 1, LOW);
	assert_int_equal(resident(&memory.regions[0]), LOW / 4096);
	assert_int_equal(guest_memory_give_back(&memory, MIB(2), MIB(2)), 0);
	assert_int_equal(resident(&memory.regions[0]), (LOW - MIB(2)) / 4096);
}

static void memfd_goes_back(void **state)
{
	struct stat before, after;

	pages_go_back(MEMORY_MEMFD);
	memset(at(0), 1, LOW);
	assert_int_equal(fstat(memory.fd, &before), 0);
	assert_int_equal(guest_memory_give_back(&memory, 0, LOW), 0);
	assert_int_equal(fstat(memory.fd, &after), 0);
	assert_int_equal((before.st_blocks - after.st_blocks) * 512, LOW);
}

static void a_file_gets_holes(void **state)
{
	struct stat st;

	pages_go_back(MEMORY_FILE);
	assert_int_equal(guest_memory_give_back(&memory, 0, LOW), 0);
	assert_int_equal(guest_memory_give_back(&memory, HIGH, SIZE - LOW), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, SIZE);
	assert_int_equal(st.st_blocks, 0);
}

static void only_its_own_goes_back(void **state)
{
	_Atomic u64 private[LOW / 4096 / 64] = { 0 };
	u8 *rom = calloc(1, 4096);

	make(MEMORY_ANONYMOUS);
	assert_int_equal(guest_memory_add_buffer(&memory, GIB(8), rom, 4096), 0);
	memory.regions[2].readonly = true;
	assert_int_equal(guest_memory_add_unlisted(&memory, GIB(9), 4096), 0);
	memset(at(0), 1, LOW);
	assert_int_equal(guest_memory_give_back(&memory, 0, 0), -EINVAL);
	assert_int_equal(guest_memory_give_back(&memory, 1, 4096), -EINVAL);
	assert_int_equal(guest_memory_give_back(&memory, 0, 100), -EINVAL);
	assert_int_equal(guest_memory_give_back(&memory, LOW, 4096), -EFAULT);
	assert_int_equal(guest_memory_give_back(&memory, -4096ULL, 8192), -EFAULT);
	assert_int_equal(guest_memory_give_back(&memory, GIB(8), 4096), -EFAULT);
	assert_int_equal(guest_memory_give_back(&memory, GIB(9), 4096), -EFAULT);
	/* What the guest keeps for itself. */
	memory.regions[0].private_pages = private;
	private[1] = BIT(3);
	assert_int_equal(guest_memory_give_back(&memory, 67 * 4096, 4096), -EACCES);
	assert_int_equal(guest_memory_give_back(&memory, 60 * 4096, 10 * 4096), -EACCES);
	assert_int_equal(guest_memory_give_back(&memory, 66 * 4096, 4096), 0);
	memory.regions[0].private_pages = NULL;
	for (unsigned page = 0; page < LOW / 4096; page++)
		assert_int_equal(*at(page * 4096), page != 66);
	free(rom);
}

/* Written as zeroes they would be had once more, which is no use to anybody. */
static void what_the_host_does_not_take_stays(void **state)
{
	make(MEMORY_FILE);
	memset(at(0), 1, 4096);
	no_holes = true;
	assert_int_equal(guest_memory_give_back(&memory, 0, 4096), -EOPNOTSUPP);
	assert_int_equal(*at(0), 1);
}

/* A part of a huge page is nobody's to have. */
static void huge_pages_go_back_whole(void **state)
{
	config.kind = MEMORY_MEMFD;
	assert_int_equal(guest_memory_use(&memory, &config, SIZE), 0);
	memory.page = MIB(2);
	assert_int_equal(guest_memory_add_ram(&memory, 0, SIZE), 0);
	memset(at(0), 1, SIZE);
	assert_int_equal(guest_memory_give_back(&memory, 0, 4096), -EINVAL);
	assert_int_equal(guest_memory_give_back(&memory, MIB(1), MIB(2)), -EINVAL);
	assert_int_equal(guest_memory_give_back(&memory, MIB(2), MIB(4)), 0);
	assert_int_equal(*at(MIB(2) - 1), 1);
	assert_int_equal(*at(MIB(2)), 0);
	assert_int_equal(*at(MIB(6)), 1);
}

/* ---- huge pages ---- */

static void hugetlbfs_must_be_one(void **state)
{
	config.path = folder;
	assert_int_equal(use(MEMORY_HUGETLBFS, SIZE), -EINVAL);
	/* No advice to mount something over whatever the folder has in it. */
	SAID("is not in a hugetlbfs; 'findmnt -t hugetlbfs' shows");
	SAID("none FOLDER' makes an empty folder one");
	guest_memory_destroy(&memory);
	config.path = "/nonexistent";
	assert_int_equal(use(MEMORY_HUGETLBFS, SIZE), -ENOENT);
	SAID("/nonexistent: No such file");
}

static void need_huge_pages(void)
{
	if (access("/sys/kernel/mm/hugepages/hugepages-2048kB", F_OK))
		skip();
}

static void huge_pages_of_no_size(void **state)
{
	need_huge_pages();
	config.huge_page = KIB(8);
	assert_true(use(MEMORY_HUGETLB, SIZE) < 0);
	SAID("--mem-backend hugetlb: this host has no huge pages of 8K; sizes it has: ");
	assert_non_null(strstr(said, "2M"));
}

/* No host has a pool of 64 TiB. */
static void too_few_huge_pages(void **state)
{
	need_huge_pages();
	config.huge_page = MIB(2);
	assert_int_equal(use(MEMORY_HUGETLB, 1ULL << 46), -ENOMEM);
	SAID("--mem-backend hugetlb: 33554432 huge pages of 2M are needed, ");
	assert_non_null(strstr(said, " free; root makes some with echo "));
	assert_non_null(strstr(said, "hugepages-2048kB/nr_hugepages"));
}

static void odd_sizes_of_huge_pages(void **state)
{
	need_huge_pages();
	config.huge_page = MIB(2);
	assert_int_equal(use(MEMORY_HUGETLB, SIZE + MIB(1)), -EINVAL);
	SAID("--mem: 9 MiB are no whole number of huge pages of 2M");
}

/* ---- guest_memfd, without KVM ---- */

static void guest_memfd_takes_kvm(void **state)
{
	assert_int_equal(use(MEMORY_GUEST_MEMFD, SIZE), -EOPNOTSUPP);
	SAID("--mem-backend guest-memfd: this host's KVM has none");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(anonymous_lives),
		TEST(memfd_lives),
		TEST(file_lives),
		TEST(clearing_gives_pages_back),
		TEST(memfd_can_be_shared_and_not_resized),
		TEST(other_memory_stays_anonymous),
		TEST(addresses_agree_in_a_huge_page),
		TEST(anonymous_made_ahead),
		TEST(memfd_made_ahead),
		TEST(much_made_ahead),
		TEST(as_many_threads_as_cpus),
		TEST(a_file_keeps_what_the_guest_leaves),
		TEST(a_file_loses_what_was_in_it),
		TEST(zeroes_where_there_are_no_holes),
		TEST(a_file_that_cannot_be_made_is_not_left),
		TEST(memory_that_cannot_be_filled_is_told),
		TEST(a_small_file_is_refused_and_stays),
		TEST(a_file_has_one_guest),
		TEST(a_file_is_ones_own),
		TEST(other_things_are_no_memory),
		TEST(anonymous_goes_back),
		TEST(memfd_goes_back),
		TEST(a_file_gets_holes),
		TEST(only_its_own_goes_back),
		TEST(what_the_host_does_not_take_stays),
		TEST(huge_pages_go_back_whole),
		TEST(hugetlbfs_must_be_one),
		TEST(huge_pages_of_no_size),
		TEST(too_few_huge_pages),
		TEST(odd_sizes_of_huge_pages),
		TEST(guest_memfd_takes_kvm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
