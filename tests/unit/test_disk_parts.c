// SPDX-License-Identifier: GPL-2.0-or-later
/* Long requests: in parts, a bounded number of bytes at once, and held, released and dropped in the middle. */
#include <errno.h>
#include <sys/mman.h>
#include "disk_file.h"

#define LONG  MIB(4) /* a request */
#define NR    32
#define PAGES 1000 /* buffers of one */

struct crowd {
	struct disk *disk;
	struct one requests[NR];
	struct iovec iov[NR][PAGES + 1];
	u8 *memory; /* all of them share it */
	u64 most;   /* bytes in the kernel, ever */
	enum disk_operation operation;
	struct disk_range range[NR];
};

static struct crowd crowd;

static void watch(void *arg)
{
	crowd.most = MAX(crowd.most, crowd.disk->bytes);
}

static void submit_crowd(void *arg)
{
	for (unsigned i = 0; i < NR; i++) {
		crowd.iov[i][0] = (struct iovec){ crowd.memory, LONG };
		crowd.range[i] = (struct disk_range){ 0, LONG };
		crowd.requests[i] = (struct one){ .request = { .operation = crowd.operation,
							       .offset = i * 512,
							       .length = LONG,
							       .iov = crowd.iov[i],
							       .nr_iov = 1,
							       .ranges = &crowd.range[i],
							       .nr_ranges = 1,
							       .done = one_done } };
		disk_submit(crowd.disk, &crowd.requests[i].request);
	}
	disk_kick(crowd.disk);
	watch(NULL);
}

static void make_crowd(const char *name, bool direct)
{
	const char *path = make_file(name, 2 * LONG);

	memset(&crowd, 0, sizeof(crowd));
	crowd.disk = direct ? open_direct_or_skip(path) : open_good(path, false, false);
	crowd.memory = mmap(NULL, LONG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(crowd.memory, MAP_FAILED);
	disk_set_owner(crowd.disk, watch, NULL, NULL);
}

static void free_crowd(void)
{
	disk_close(crowd.disk);
	munmap(crowd.memory, LONG);
}

static unsigned answered(void)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < NR; i++) {
		assert_in_range(crowd.requests[i].called, 0, 1);
		nr += crowd.requests[i].called;
		assert_int_equal(crowd.requests[i].error, 0);
	}
	return nr;
}

/* Every byte at its place, whatever the buffers' sizes are, and parts end inside them. */
static void check_contents(const char *name, bool direct, u64 piece)
{
	static u8 expected[LONG];
	struct iovec *iov = crowd.iov[0];
	u64 at = 0, nr = 0;

	make_crowd(name, direct);
	fill(crowd.memory, LONG, 7);
	memcpy(expected, crowd.memory, LONG);
	assert_int_equal(rw(crowd.disk, DISK_WRITE, 4096, crowd.memory, LONG), 0);
	for (unsigned round = 0; round < 2; round++) {
		memset(crowd.memory, 0, LONG);
		for (at = nr = 0; at < LONG; at += iov[nr++].iov_len)
			iov[nr] = (struct iovec){ crowd.memory + at,
						  nr == PAGES ? LONG - at : MIN(piece, LONG - at) };
		assert_int_equal(run_one(crowd.disk, (struct disk_request){ .operation = DISK_READ,
									    .offset = 4096,
									    .length = LONG,
									    .iov = iov,
									    .nr_iov = nr }),
				 0);
		assert_memory_equal(crowd.memory, expected, LONG);
		/* The second time what the first one wrote, cut in that way. */
		for (at = nr = 0; at < LONG; at += iov[nr++].iov_len)
			iov[nr] = (struct iovec){ crowd.memory + at,
						  nr == PAGES ? LONG - at : MIN(piece, LONG - at) };
		fill(crowd.memory, LONG, 9 + round);
		memcpy(expected, crowd.memory, LONG);
		assert_int_equal(run_one(crowd.disk, (struct disk_request){ .operation = DISK_WRITE,
									    .offset = 4096,
									    .length = LONG,
									    .iov = iov,
									    .nr_iov = nr }),
				 0);
	}
	free_crowd();
}

static void test_contents(void **state)
{
	check_contents("contents", false, LONG);
	check_contents("contents", false, 4097);
	check_contents("contents", false, KIB(768));
}

static void test_contents_direct(void **state)
{
	check_contents("contents-direct", true, LONG);
	check_contents("contents-direct", true, KIB(768));
	/* None that O_DIRECT takes: all of it through the worker. */
	check_contents("contents-direct", true, 4097);
}

/* The last part ends in a sector that the file has only half of. */
static void test_tail(void **state)
{
	const char *path = make_file("long-tail", MIB(3) + 700);
	static u8 seen[MIB(3) + 1024];
	struct disk *disk = open_good(path, false, false);

	memset(seen, 0xee, sizeof(seen));
	assert_int_equal(rw(disk, DISK_READ, 0, seen, sizeof(seen)), 0);
	assert_true(all_zero(seen, sizeof(seen)));
	disk_close(disk);
}

static void check_bound(const char *name, bool direct)
{
	make_crowd(name, direct);
	assert_int_equal(disk_start(crowd.disk), 0);
	crowd.operation = DISK_READ;
	loop_call(disk_loop(crowd.disk), submit_crowd, NULL);
	disk_drain(crowd.disk);
	assert_int_equal(answered(), NR);
	assert_true(crowd.most < DISK_MAX_BYTES + DISK_PART);
	assert_int_equal(crowd.disk->bytes, 0);
	free_crowd();
}

static void test_bound(void **state)
{
	check_bound("bound", false);
}

static void test_bound_direct(void **state)
{
	check_bound("bound-direct", true);
}

static bool drop_odd(struct disk_request *request, void *arg)
{
	struct one *one = CONTAINER_OF(request, struct one, request);
	unsigned *dropped = arg;

	if ((one - crowd.requests) % 2 == 0)
		return false;
	(*dropped)++;
	return true;
}

/* Held after a first round of parts: no buffer is touched, nobody is answered, and nothing is lost. */
static void check_hold(enum disk_operation operation)
{
	unsigned before, dropped = 0;

	make_crowd("hold", false);
	crowd.operation = operation;
	submit_crowd(NULL);
	disk_hold(crowd.disk);
	before = answered();
	assert_in_range(before, 0, NR / 2);
	assert_int_equal(crowd.disk->in_kernel, 0);
	assert_int_equal(crowd.disk->in_worker, 0);
	memset(crowd.memory, 0x55, LONG);
	disk_kick(crowd.disk);
	assert_int_equal(answered(), before);
	assert_int_equal(crowd.memory[0], 0x55);
	disk_release(crowd.disk);
	disk_drain(crowd.disk);
	assert_int_equal(answered(), NR);
	if (operation == DISK_READ)
		assert_true(all_zero(crowd.memory + LONG - MIB(1), MIB(1)));
	/* What is dropped is not answered, the rest is. */
	submit_crowd(NULL);
	before = answered();
	disk_cancel(crowd.disk, drop_odd, &dropped);
	assert_true(dropped > 0);
	disk_release(crowd.disk);
	disk_drain(crowd.disk);
	assert_int_equal(answered(), NR - dropped);
	free_crowd();
}

static void test_hold(void **state)
{
	check_hold(DISK_READ);
	check_hold(DISK_WRITE);
}

/* The disk's and the worker's threads at work, held at any moment. */
static void test_hold_with_threads(void **state)
{
	static const enum disk_operation operations[] = { DISK_READ, DISK_WRITE_ZEROES, DISK_WRITE,
							  DISK_FLUSH };

	make_crowd("hold-threads", false);
	assert_int_equal(disk_start(crowd.disk), 0);
	for (unsigned round = 0; round < 12; round++) {
		unsigned before;

		crowd.operation = operations[round % 4];
		loop_call(disk_loop(crowd.disk), submit_crowd, NULL);
		for (unsigned i = 0; i < 3; i++) {
			disk_hold(crowd.disk);
			before = answered();
			memset(crowd.memory, 0x55, LONG);
			assert_int_equal(answered(), before);
			assert_true(!memchr(crowd.memory, 0, LONG));
			disk_release(crowd.disk);
		}
		disk_drain(crowd.disk);
		assert_int_equal(answered(), NR);
	}
	/* Closed with most of it not begun. */
	crowd.operation = DISK_READ;
	loop_call(disk_loop(crowd.disk), submit_crowd, NULL);
	disk_hold(crowd.disk);
	free_crowd();
}

static bool writes_forbidden;

static bool no_writes(void)
{
	return writes_forbidden;
}

/* Also those that were submitted before, and the later parts of one that has begun. */
static void test_no_writes(void **state)
{
	unsigned failed = 0;

	make_crowd("no-writes", false);
	disk_set_owner(crowd.disk, NULL, NULL, no_writes);
	crowd.operation = DISK_WRITE;
	submit_crowd(NULL);
	writes_forbidden = true;
	disk_drain(crowd.disk);
	for (unsigned i = 0; i < NR; i++) {
		assert_int_equal(crowd.requests[i].called, 1);
		if (crowd.requests[i].error)
			assert_int_equal(crowd.requests[i].error, -ECANCELED);
		failed += crowd.requests[i].error != 0;
	}
	assert_in_range(failed, NR / 2, NR);
	writes_forbidden = false;
	free_crowd();
}

/* Ranges in parts: those of one request in a row, one of them long and across a round offset. */
static void test_ranges(void **state)
{
	static u8 seen[MIB(1)];
	const char *path = make_file("ranges", MIB(64));
	struct disk *disk = open_good(path, false, false);
	struct disk_range ranges[] = { { 0, 512 }, { MIB(1), 0 }, { MIB(1) + 512, MIB(40) } };
	u8 mark[512];
	static const u64 gone[] = { 0, MIB(1) + 512, MIB(16) - 512, MIB(16), MIB(41) };
	static const u64 kept[] = { 512, MIB(1), MIB(41) + 512, MIB(64) - 512 };

	memset(mark, 0x77, sizeof(mark));
	for (unsigned i = 0; i < ARRAY_SIZE(gone); i++)
		assert_int_equal(rw(disk, DISK_WRITE, gone[i], mark, 512), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++)
		assert_int_equal(rw(disk, DISK_WRITE, kept[i], mark, 512), 0);
	assert_int_equal(run_one(disk, (struct disk_request){ .operation = DISK_WRITE_ZEROES,
							      .ranges = ranges,
							      .nr_ranges = 3,
							      .unmap = true }),
			 0);
	for (unsigned i = 0; i < ARRAY_SIZE(gone); i++) {
		assert_int_equal(rw(disk, DISK_READ, gone[i], seen, 512), 0);
		assert_true(all_zero(seen, 512));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++) {
		assert_int_equal(rw(disk, DISK_READ, kept[i], seen, 512), 0);
		assert_memory_equal(seen, mark, 512);
	}
	disk_close(disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_contents_direct),
		cmocka_unit_test(test_tail),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_bound_direct),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_hold_with_threads),
		cmocka_unit_test(test_no_writes),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
