// SPDX-License-Identifier: GPL-2.0-or-later
/* The caches a guest is told of: CLIDR_EL1 and the host's sysfs put together. */
#include "caches.h"
#include "folder.h"

#define CTYPE(level, type) ((u64)(type) << 3 * ((level)-1))
#define INSTRUCTIONS	   1
#define DATA		   2
#define SPLIT		   3
#define UNIFIED		   4

static struct cache_level levels[CACHE_MAX_LEVELS];

static void put_cache(unsigned index, const char *level, const char *type, const char *size,
		      const char *sets, const char *sharers)
{
	char name[16];

	snprintf(name, sizeof(name), "index%u", index);
	folder_put(name, "level", level);
	folder_put(name, "type", type);
	if (size)
		folder_put(name, "size", size);
	folder_put(name, "coherency_line_size", "64\n");
	folder_put(name, "number_of_sets", sets);
	folder_put(name, "shared_cpu_list", sharers);
}

/* A server with eight CPUs: their own L1 and L2, one L3. */
static void put_server(void)
{
	put_cache(0, "1\n", "Data\n", "64K\n", "256\n", "3\n");
	put_cache(1, "1\n", "Instruction\n", "48K\n", "192\n", "3\n");
	put_cache(2, "2\n", "Unified\n", "1024K\n", "2048\n", "3\n");
	put_cache(3, "3\n", "Unified\n", "32768K\n", "32768\n", "0-7\n");
}

static void assert_cache(const struct cache *cache, u32 size, u32 sets)
{
	assert_true(cache->there);
	assert_int_equal(cache->size, size);
	assert_int_equal(cache->sets, sets);
	if (size)
		assert_int_equal(cache->line, 64);
}

/* What KVM has made of every host since Linux 6.3: one cache for both, then nothing. */
static void unified_level_1(void **state)
{
	put_server();
	assert_int_equal(caches_find(0x1000000 | CTYPE(1, UNIFIED), folder, 4, levels), 3);
	assert_false(levels[0].split || levels[0].shared || levels[0].instructions.there);
	assert_cache(&levels[0].data, 64 << 10, 256);
	assert_false(levels[1].split || levels[1].shared);
	assert_cache(&levels[1].data, 1 << 20, 2048);
	assert_true(levels[2].shared);
	assert_cache(&levels[2].data, 32 << 20, 32768);
}

static void as_the_host(void **state)
{
	u64 clidr = CTYPE(1, SPLIT) | CTYPE(2, UNIFIED) | CTYPE(3, UNIFIED);

	put_server();
	assert_int_equal(caches_find(clidr, folder, 8, levels), 3);
	assert_true(levels[0].split);
	assert_cache(&levels[0].data, 64 << 10, 256);
	assert_cache(&levels[0].instructions, 48 << 10, 192);
	assert_true(levels[2].shared);
	/* More vCPUs than share it there. */
	assert_int_equal(caches_find(clidr, folder, 9, levels), 3);
	assert_false(levels[2].shared);
}

static void halves(void **state)
{
	put_server();
	assert_int_equal(caches_find(CTYPE(1, DATA), folder, 1, levels), 3);
	assert_true(levels[0].split && !levels[0].instructions.there);
	assert_int_equal(caches_find(CTYPE(1, INSTRUCTIONS), folder, 1, levels), 3);
	assert_true(levels[0].split && !levels[0].data.there);
	assert_cache(&levels[0].instructions, 48 << 10, 192);
}

static void host_tells_nothing(void **state)
{
	assert_int_equal(caches_find(CTYPE(1, UNIFIED), folder, 2, levels), 1);
	assert_cache(&levels[0].data, 0, 0);
	assert_int_equal(
		caches_find(CTYPE(1, SPLIT) | CTYPE(2, UNIFIED), "/nonexistent", 2, levels), 2);
	assert_cache(&levels[1].data, 0, 0);
	assert_false(levels[1].shared);
}

/* Levels behind those of CLIDR_EL1 count only if their sizes are known. */
static void unknown_sizes(void **state)
{
	put_cache(0, "1\n", "Data\n", "64K\n", "256\n", "0\n");
	put_cache(1, "2\n", "Unified\n", NULL, "garbage", "nonsense");
	put_cache(2, "3\n", "Unified\n", "4M\n", "4096\n", "0-3\n");
	assert_int_equal(caches_find(CTYPE(1, UNIFIED), folder, 2, levels), 1);
	assert_int_equal(caches_find(CTYPE(1, UNIFIED) | CTYPE(2, UNIFIED), folder, 2, levels), 3);
	assert_cache(&levels[1].data, 0, 0);
	assert_cache(&levels[2].data, 4 << 20, 4096);
}

/* No hierarchy has a private cache behind a shared one. */
static void shared_stays_shared(void **state)
{
	put_cache(0, "1\n", "Data\n", "64K\n", "256\n", "0\n");
	put_cache(1, "2\n", "Unified\n", "1M\n", "1024\n", "0-3\n");
	put_cache(2, "3\n", "Unified\n", "4M\n", "4096\n", "0\n");
	assert_int_equal(caches_find(CTYPE(1, UNIFIED), folder, 2, levels), 3);
	assert_true(levels[1].shared && levels[2].shared && !levels[0].shared);
}

static void none_or_nonsense(void **state)
{
	put_server();
	assert_int_equal(caches_find(0, folder, 1, levels), 0);
	assert_int_equal(caches_find(CTYPE(1, 7), folder, 1, levels), 0);
	assert_int_equal(caches_find(~0ULL, folder, 1, levels), 0);
	/* All seven levels that there can be. */
	assert_int_equal(caches_find(0x924924, "/nonexistent", 1, levels), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unified_level_1),	  TEST(as_the_host),   TEST(halves),
		TEST(host_tells_nothing), TEST(unknown_sizes), TEST(shared_stays_shared),
		TEST(none_or_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
