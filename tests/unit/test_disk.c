// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests to disk images on real files: every operation, O_DIRECT, many at once, draining. */
#include <errno.h>
#include <sys/mman.h>
#include "disk_file.h"

static u64 blocks_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_blocks;
}

/* ---- operations ---- */

static void test_read_write(void **state)
{
	static u8 data[MIB(1)], seen[MIB(1)];
	const char *path = make_file("rw", MIB(4));
	struct disk *disk = open_good(path, false, false);

	fill(data, sizeof(data), 3);
	assert_int_equal(rw(disk, DISK_WRITE, MIB(2), data, sizeof(data)), 0);
	assert_int_equal(rw(disk, DISK_READ, MIB(2), seen, sizeof(seen)), 0);
	assert_memory_equal(data, seen, sizeof(data));
	/* The scattered way, with odd pieces. */
	struct iovec iov[] = {
		{ seen + 1, 511 }, { seen + 4000, 1 }, { seen + 9000, 3072 }, { seen + 5000, 512 }
	};
	memset(seen, 0, sizeof(seen));
	assert_int_equal(run_one(disk, (struct disk_request){ .operation = DISK_READ,
							      .offset = MIB(2) + 512,
							      .length = 4096,
							      .iov = iov,
							      .nr_iov = 4 }),
			 0);
	assert_memory_equal(seen + 1, data + 512, 511);
	assert_memory_equal(seen + 4000, data + 1023, 1);
	assert_memory_equal(seen + 9000, data + 1024, 3072);
	assert_memory_equal(seen + 5000, data + 4096, 512);
	assert_int_equal(run_one(disk, (struct disk_request){ .operation = DISK_FLUSH }), 0);
	/* On stable storage before done. */
	struct iovec whole = { data, 512 };
	assert_int_equal(run_one(disk, (struct disk_request){ .operation = DISK_WRITE,
							      .length = 512,
							      .iov = &whole,
							      .nr_iov = 1,
							      .stable = true }),
			 0);
	disk_close(disk);
	int fd = open(path, O_RDONLY);
	assert_int_equal(pread(fd, seen, 512, 0), 512);
	assert_memory_equal(seen, data, 512);
	close(fd);
}

static void test_bounds(void **state)
{
	struct disk *disk = open_good(make_file("bounds", 8192), false, false);
	u8 buffer[1024];

	assert_int_equal(rw(disk, DISK_READ, 8192, buffer, 512), -EINVAL);
	assert_int_equal(rw(disk, DISK_READ, 7680, buffer, 1024), -EINVAL);
	assert_int_equal(rw(disk, DISK_WRITE, ~0ULL - 511, buffer, 1024), -EINVAL);
	assert_int_equal(rw(disk, DISK_WRITE, 100, buffer, 512), -EINVAL);
	assert_int_equal(rw(disk, DISK_WRITE, 0, buffer, 100), -EINVAL);
	assert_int_equal(rw(disk, DISK_READ, 0, buffer, 0), 0);
	assert_int_equal(on_range(disk, DISK_DISCARD, 8192, 512, false), -EINVAL);
	assert_int_equal(on_range(disk, DISK_WRITE_ZEROES, 512, ~0ULL - 1023, false), -EINVAL);
	disk_close(disk);
}

static void test_shrunk_file(void **state)
{
	const char *path = make_file("shrunk", 16384);
	struct disk *disk = open_good(path, false, false);
	u8 buffer[1024];

	assert_int_equal(truncate(path, 4096 + 512), 0);
	assert_int_equal(rw(disk, DISK_READ, 4096, buffer, 512), 0);
	assert_int_equal(rw(disk, DISK_READ, 4096, buffer, 1024), -EIO);
	assert_int_equal(rw(disk, DISK_READ, 8192, buffer, 512), -EIO);
	disk_close(disk);
}

static void test_discard(void **state)
{
	static u8 data[MIB(1)], seen[MIB(1)];
	const char *path = make_file("discard", MIB(1));
	struct disk *disk = open_good(path, false, false);

	if (!disk_info(disk)->can_discard) {
		disk_close(disk);
		skip();
	}
	fill(data, sizeof(data), 5);
	assert_int_equal(rw(disk, DISK_WRITE, 0, data, sizeof(data)), 0);
	assert_int_equal(run_one(disk, (struct disk_request){ .operation = DISK_FLUSH }), 0);
	u64 before = blocks_of(path);
	assert_int_equal(on_range(disk, DISK_DISCARD, KIB(256), KIB(512), false), 0);
	assert_true(blocks_of(path) <= before - KIB(512) / 512 + 16);
	int fd = open(path, O_RDONLY);
	assert_int_equal(lseek(fd, 0, SEEK_HOLE), KIB(256));
	assert_int_equal(lseek(fd, KIB(256), SEEK_DATA), KIB(768));
	close(fd);
	/* Several ranges, one empty, cut through the middle of pages. */
	struct disk_range ranges[] = { { 512, 1024 }, { 4096, 0 }, { KIB(900) + 512, 9216 } };
	assert_int_equal(run_one(disk, (struct disk_request){ .operation = DISK_DISCARD,
							      .ranges = ranges,
							      .nr_ranges = 3 }),
			 0);
	assert_int_equal(rw(disk, DISK_READ, 0, seen, sizeof(seen)), 0);
	memset(data + KIB(256), 0, KIB(512));
	memset(data + 512, 0, 1024);
	memset(data + KIB(900) + 512, 0, 9216);
	assert_memory_equal(data, seen, sizeof(data));
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, MIB(1));
	disk_close(disk);
}

static void check_write_zeroes(const char *path, bool direct)
{
	static u8 data[MIB(3)], seen[MIB(3)];
	struct disk *disk = open_good(path, false, direct);

	fill(data, sizeof(data), 6);
	assert_int_equal(rw(disk, DISK_WRITE, 0, data, sizeof(data)), 0);
	assert_int_equal(run_one(disk, (struct disk_request){ .operation = DISK_FLUSH }), 0);
	u64 before = blocks_of(path);
	assert_int_equal(on_range(disk, DISK_WRITE_ZEROES, 1536, MIB(2) - 4096, false), 0);
	/* Not allowed to deallocate: what is on the disk stays allocated. */
	assert_true(blocks_of(path) + 16 >= before);
	memset(data + 1536, 0, MIB(2) - 4096);
	assert_int_equal(on_range(disk, DISK_WRITE_ZEROES, MIB(2), KIB(512) + 512, true), 0);
	memset(data + MIB(2), 0, KIB(512) + 512);
	assert_int_equal(rw(disk, DISK_READ, 0, seen, sizeof(seen)), 0);
	assert_memory_equal(data, seen, sizeof(data));
	if (disk_info(disk)->can_discard)
		assert_true(blocks_of(path) <= before - KIB(256) / 512);
	disk_close(disk);
}

static void test_write_zeroes(void **state)
{
	check_write_zeroes(make_file("zeroes", MIB(3)), false);
}

/* tmpfs knows how to punch holes but, up to now, not FALLOC_FL_ZERO_RANGE: zeroes have to be written. */
static void test_write_zeroes_by_hand(void **state)
{
	int memfd = memfd_create("disk", 0);
	char path[64];

	assert_int_equal(ftruncate(memfd, MIB(3)), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	check_write_zeroes(path, false);
	close(memfd);
}

static void test_no_space(void **state)
{
	struct disk *disk;
	int memfd = memfd_create("full", MFD_ALLOW_SEALING);
	char path[64];
	u8 buffer[512] = { 1 };

	/* A file that must not grow refuses the write behind its end; so does a full file system. */
	assert_int_equal(ftruncate(memfd, 4096 + 100), 0);
	assert_int_equal(fcntl(memfd, F_ADD_SEALS, F_SEAL_GROW), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	disk = open_good(path, false, false);
	assert_int_not_equal(rw(disk, DISK_WRITE, 4096, buffer, 512), 0);
	assert_int_equal(rw(disk, DISK_WRITE, 0, buffer, 512), 0);
	disk_close(disk);
	close(memfd);
}

/* ---- O_DIRECT ---- */

static void test_direct_unaligned(void **state)
{
	const char *path = make_file("direct", MIB(1) + 512);
	struct disk *disk = open_direct_or_skip(path);
	u8 *data = aligned_alloc(4096, MIB(1)), *seen = aligned_alloc(4096, MIB(1));

	assert_int_equal(disk_info(disk)->block_size, 512);
	assert_int_equal(disk_info(disk)->size, MIB(1) + 512);
	fill(data, MIB(1), 2);
	/* All in one direct request, then sectors and buffers that O_DIRECT itself refuses. */
	assert_int_equal(rw(disk, DISK_WRITE, 0, data, MIB(1)), 0);
	assert_int_equal(rw(disk, DISK_READ, 0, seen, MIB(1)), 0);
	assert_memory_equal(data, seen, MIB(1));
	for (unsigned shift = 1; shift < 700; shift += 233) {
		fill(data + 4096 - 512, 512, shift);
		memcpy(seen + shift, data + 4096 - 512, 512);
		assert_int_equal(rw(disk, DISK_WRITE, 4096 - 512, seen + shift, 512), 0);
		memset(seen, 0, 16384);
		assert_int_equal(rw(disk, DISK_READ, 512, seen + shift, 8192), 0);
		assert_memory_equal(data + 512, seen + shift, 8192);
	}
	/* The last sector stands alone behind the last aligned block. */
	assert_int_equal(rw(disk, DISK_WRITE, MIB(1), data + 1, 512), 0);
	assert_int_equal(rw(disk, DISK_READ, MIB(1), seen, 512), 0);
	assert_memory_equal(data + 1, seen, 512);
	assert_int_equal(rw(disk, DISK_READ, 0, seen, MIB(1)), 0);
	assert_memory_equal(data, seen, MIB(1));
	disk_close(disk);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, MIB(1) + 512);
	free(data);
	free(seen);
}

/* The worker's reads stop at the end of the file too, and there at any byte. */
static void test_direct_tail(void **state)
{
	const char *path = make_file("direct-tail", 0);
	u8 data[700], seen[1100];
	int fd = open(path, O_WRONLY);

	fill(data, sizeof(data), 11);
	assert_int_equal(write(fd, data, sizeof(data)), sizeof(data));
	close(fd);
	struct disk *disk = open_direct_or_skip(path);
	struct iovec iov[] = { { seen + 1, 100 }, { seen + 101, 924 } };
	memset(seen, 0xee, sizeof(seen));
	assert_int_equal(run_one(disk, (struct disk_request){ .operation = DISK_READ,
							      .length = 1024,
							      .iov = iov,
							      .nr_iov = 2 }),
			 0);
	assert_memory_equal(seen + 1, data, 700);
	assert_true(all_zero(seen + 701, 324));
	assert_int_equal(seen[1025], 0xee);
	disk_close(disk);
}

/* Two requests that share a page, one of them through the page cache, do not hurt each other. */
struct neighbours {
	struct disk *disk;
	struct one requests[64];
	struct iovec iov[64];
	u8 *memory;
};

static void submit_neighbours(void *arg)
{
	struct neighbours *n = arg;

	for (unsigned i = 0; i < 64; i++) {
		/* Every other buffer is one that O_DIRECT does not take. */
		n->iov[i] = (struct iovec){ n->memory + i * 1024 + (i & 1), 512 };
		n->requests[i] = (struct one){ .request = { .operation = DISK_WRITE,
							    .offset = i * 512,
							    .length = 512,
							    .iov = &n->iov[i],
							    .nr_iov = 1,
							    .done = one_done } };
		disk_submit(n->disk, &n->requests[i].request);
	}
	disk_kick(n->disk);
}

static void test_direct_neighbours(void **state)
{
	static struct neighbours n;
	static u8 seen[KIB(32)];

	n.disk = open_direct_or_skip(make_file("neighbours", KIB(32)));
	n.memory = aligned_alloc(4096, KIB(64));
	assert_int_equal(disk_start(n.disk), 0);
	for (unsigned round = 0; round < 20; round++) {
		fill(n.memory, KIB(64), round);
		loop_call(disk_loop(n.disk), submit_neighbours, &n);
		disk_drain(n.disk);
		int fd = open(path_of("neighbours"), O_RDONLY);
		assert_int_equal(read(fd, seen, sizeof(seen)), sizeof(seen));
		close(fd);
		for (unsigned i = 0; i < 64; i++) {
			assert_int_equal(n.requests[i].error, 0);
			assert_memory_equal(seen + i * 512, n.memory + i * 1024 + (i & 1), 512);
		}
	}
	disk_close(n.disk);
	free(n.memory);
}

static void test_direct_zeroes(void **state)
{
	const char *path = make_file("direct-zeroes", MIB(3));

	disk_close(open_direct_or_skip(path));
	check_write_zeroes(path, true);
}

/* ---- many at once, with threads ---- */

#define MANY  1000
#define PIECE 1536

struct load {
	struct disk *disk;
	struct one requests[MANY];
	struct iovec iov[MANY][2];
	u8 *memory;
	unsigned batches;
	enum disk_operation operation;
};

static void count_batch(void *arg)
{
	((struct load *)arg)->batches++;
}

static void submit_load(void *arg)
{
	struct load *load = arg;

	for (unsigned i = 0; i < MANY; i++) {
		/* Unaligned on purpose in one of eight, and not in order. */
		unsigned at = i * 389 % MANY;
		u8 *buffer = load->memory + (u64)at * 2048 + (at % 8 == 5 ? 3 : 0);
		struct one *one = &load->requests[i];

		load->iov[i][0] = (struct iovec){ buffer, 512 };
		load->iov[i][1] = (struct iovec){ buffer + 512, PIECE - 512 };
		*one = (struct one){ .request = { .operation = load->operation,
						  .offset = (u64)at * PIECE,
						  .length = PIECE,
						  .iov = load->iov[i],
						  .nr_iov = 2,
						  .done = one_done } };
		disk_submit(load->disk, &one->request);
	}
	disk_kick(load->disk);
}

static void run_load(struct load *load, enum disk_operation operation)
{
	load->operation = operation;
	loop_call(disk_loop(load->disk), submit_load, load);
	disk_drain(load->disk);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(load->requests[i].called, 1);
		assert_int_equal(load->requests[i].error, 0);
	}
}

static void check_load(const char *name, bool direct)
{
	struct load *load = calloc(1, sizeof(*load));
	const char *path = make_file(name, (u64)MANY * PIECE);

	load->disk = direct ? open_direct_or_skip(path) : open_good(path, false, false);
	load->memory = aligned_alloc(4096, ALIGN_UP((u64)MANY * 2048, 4096ULL));
	disk_set_owner(load->disk, count_batch, load, NULL);
	assert_int_equal(disk_start(load->disk), 0);
	for (unsigned i = 0; i < MANY; i++)
		fill(load->memory + (u64)i * 2048, 2048, i);
	run_load(load, DISK_WRITE);
	memset(load->memory, 0, (u64)MANY * 2048);
	run_load(load, DISK_READ);
	for (unsigned i = 0; i < MANY; i++) {
		u8 expected[2048];
		unsigned shift = i % 8 == 5 ? 3 : 0;

		fill(expected, sizeof(expected), i);
		assert_memory_equal(load->memory + (u64)i * 2048 + shift, expected + shift, PIECE);
	}
	assert_in_range(load->batches, 2, 2 * MANY);
	disk_drain(load->disk);
	disk_stop(load->disk);
	disk_close(load->disk);
	free(load->memory);
	free(load);
}

static void test_many(void **state)
{
	check_load("many", false);
}

static void test_many_direct(void **state)
{
	check_load("many-direct", true);
}

struct mixed {
	struct disk *disk;
	struct one requests[64];
	struct disk_range ranges[64];
	struct iovec iov[64];
	u8 buffer[512];
};

static void submit_mixed(void *arg)
{
	static const enum disk_operation turn[] = { DISK_WRITE, DISK_FLUSH, DISK_WRITE_ZEROES,
						    DISK_READ };
	struct mixed *mixed = arg;

	for (unsigned i = 0; i < 64; i++) {
		mixed->ranges[i] = (struct disk_range){ i * 4096, 2048 };
		mixed->iov[i] = (struct iovec){ mixed->buffer, 512 };
		mixed->requests[i] = (struct one){ .request = { .operation = turn[i % 4],
								.offset = i * 4096 + 2048,
								.length = 512,
								.iov = &mixed->iov[i],
								.nr_iov = 1,
								.ranges = &mixed->ranges[i],
								.nr_ranges = 1,
								.done = one_done } };
		disk_submit(mixed->disk, &mixed->requests[i].request);
		/* Handed over in batches of many sizes. */
		if (i % 5 == 0)
			disk_kick(mixed->disk);
	}
	/* No kick for the rest: draining must do it. */
}

static void test_drain_mixed(void **state)
{
	static struct mixed mixed;

	mixed.disk = open_good(make_file("mixed", MIB(1)), false, false);
	assert_int_equal(disk_start(mixed.disk), 0);
	for (unsigned round = 0; round < 5; round++) {
		loop_call(disk_loop(mixed.disk), submit_mixed, &mixed);
		disk_drain(mixed.disk);
		for (unsigned i = 0; i < 64; i++) {
			assert_int_equal(mixed.requests[i].called, 1);
			assert_int_equal(mixed.requests[i].error, 0);
		}
	}
	/* Stopped and started again, and closed without stop. */
	disk_stop(mixed.disk);
	disk_stop(mixed.disk);
	assert_int_equal(disk_start(mixed.disk), 0);
	loop_call(disk_loop(mixed.disk), submit_mixed, &mixed);
	disk_drain(mixed.disk);
	disk_close(mixed.disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_write),    cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_shrunk_file),   cmocka_unit_test(test_discard),
		cmocka_unit_test(test_write_zeroes),  cmocka_unit_test(test_write_zeroes_by_hand),
		cmocka_unit_test(test_no_space),      cmocka_unit_test(test_direct_unaligned),
		cmocka_unit_test(test_direct_tail),   cmocka_unit_test(test_direct_neighbours),
		cmocka_unit_test(test_direct_zeroes), cmocka_unit_test(test_many),
		cmocka_unit_test(test_many_direct),   cmocka_unit_test(test_drain_mixed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
