// SPDX-License-Identifier: GPL-2.0-or-later
/* virtio-blk as its driver sees it: configuration, every request type, any framing, hostile requests. */
#include <errno.h>
#include "blk_machine.h"
#include "lkvm/memory/guard.h"

/* ---- configuration ---- */

static void test_config(void **state)
{
	struct machine *m = make_machine(EVERYTHING, QUEUES, false, false);
	struct virtio_device *dev = &m->blk->dev;
	struct virtio_blk_config config;
	u64 offered = dev->device_features;
	u8 byte;

	assert_int_equal(dev->ops->config_size, 60);
	virtio_config_read(dev, 0, (u8 *)&config, 60);
	assert_int_equal(le64toh(config.capacity), SECTORS);
	assert_int_equal(le32toh(config.seg_max), 254);
	assert_int_equal(le32toh(config.blk_size), 512);
	assert_int_equal(config.physical_block_exp, 3);
	assert_int_equal(le16toh(config.min_io_size), 8);
	assert_int_equal(le16toh(config.num_queues), QUEUES);
	assert_int_equal(config.wce, 1);
	assert_true(offered & BIT(VIRTIO_BLK_F_MQ));
	assert_true(offered & BIT(VIRTIO_BLK_F_FLUSH));
	assert_true(offered & BIT(VIRTIO_BLK_F_DISCARD));
	assert_false(offered & BIT(VIRTIO_BLK_F_RO));
	assert_int_equal(le32toh(config.max_discard_seg), BLK_DISCARD_SEGMENTS);
	/* Piecewise, across fields, and past the end. */
	virtio_config_read(dev, 33, &byte, 1);
	virtio_config_read(dev, 34, &byte, 1);
	assert_int_equal(byte, QUEUES);
	virtio_config_read(dev, 59, (u8 *)&config, 8);
	virtio_config_read(dev, 4096, &byte, 1);
	assert_int_equal(byte, 0);
	/* Only the writeback field takes writes. */
	memset(&config, 0xff, sizeof(config));
	virtio_config_write(dev, 0, (u8 *)&config, 60);
	virtio_config_write(dev, 0, (u8 *)&config, 8);
	virtio_config_read(dev, 0, (u8 *)&config, 8);
	assert_int_equal(le64toh(config.capacity), SECTORS);
	free_machine(m);

	m = make_machine(0, 1, true, false);
	offered = m->blk->dev.device_features;
	assert_true(offered & BIT(VIRTIO_BLK_F_RO));
	assert_false(offered & (BIT(VIRTIO_BLK_F_MQ) | BIT(VIRTIO_BLK_F_DISCARD) |
				BIT(VIRTIO_BLK_F_WRITE_ZEROES) | BIT(VIRTIO_BLK_F_CONFIG_WCE)));
	free_machine(m);
}

static u8 read_wce(struct machine *m)
{
	u8 wce = 0xee;

	virtio_config_read(&m->blk->dev, 32, &wce, 1);
	return wce;
}

static void test_writeback(void **state)
{
	struct machine *m = make_machine(BIT(VIRTIO_BLK_F_FLUSH), 1, false, false);
	struct virtio_device *dev = &m->blk->dev;
	u8 zero = 0, one = 1;
	gpa_t data = alloc(m, 512);

	assert_true(blk_is_writeback(m->blk));
	/* Not negotiated: no effect. */
	virtio_config_write(dev, 32, &zero, 1);
	assert_true(blk_is_writeback(m->blk));

	boot(m, 0);
	assert_false(blk_is_writeback(m->blk));
	assert_int_equal(run(m, VIRTIO_BLK_T_OUT, 0, data, 512, false), VIRTIO_BLK_S_OK);

	boot(m, BIT(VIRTIO_BLK_F_CONFIG_WCE));
	assert_int_equal(read_wce(m), 0);
	virtio_config_write(dev, 32, &one, 1);
	assert_int_equal(read_wce(m), 1);

	boot(m, BIT(VIRTIO_BLK_F_CONFIG_WCE) | BIT(VIRTIO_BLK_F_FLUSH));
	assert_int_equal(read_wce(m), 1);
	virtio_config_write(dev, 32, &zero, 1);
	assert_int_equal(read_wce(m), 0);
	assert_false(blk_is_writeback(m->blk));
	assert_int_equal(run(m, VIRTIO_BLK_T_OUT, 8, data, 512, false), VIRTIO_BLK_S_OK);
	boot(m, BIT(VIRTIO_BLK_F_FLUSH));
	assert_true(blk_is_writeback(m->blk));
	free_machine(m);
}

/* ---- requests ---- */

static void test_read_write(void **state)
{
	struct machine *m = make_machine(EVERYTHING, 1, false, false);
	gpa_t data = alloc(m, KIB(64)), back = alloc(m, KIB(64));
	static u8 seen[KIB(64)];

	fill(at(m, data, KIB(64)), KIB(64), 1);
	assert_int_equal(run(m, VIRTIO_BLK_T_OUT, 100, data, KIB(64), false), VIRTIO_BLK_S_OK);
	assert_int_equal(pread(m->memfd, seen, KIB(64), 100 * 512), KIB(64));
	assert_memory_equal(seen, at(m, data, KIB(64)), KIB(64));
	assert_int_equal(run(m, VIRTIO_BLK_T_IN, 100, back, KIB(64), true), VIRTIO_BLK_S_OK);
	assert_memory_equal(seen, at(m, back, KIB(64)), KIB(64));
	assert_int_equal(run(m, VIRTIO_BLK_T_FLUSH, 0, 0, 0, false), VIRTIO_BLK_S_OK);
	/* Nothing to be moved is no error; the last sector is inside. */
	assert_int_equal(run(m, VIRTIO_BLK_T_IN, SECTORS, 0, 0, true), VIRTIO_BLK_S_OK);
	assert_int_equal(run(m, VIRTIO_BLK_T_IN, SECTORS - 1, back, 512, true), VIRTIO_BLK_S_OK);
	free_machine(m);
}

static void test_get_id(void **state)
{
	struct machine *m = make_machine(0, 1, false, false);
	gpa_t data = alloc(m, 512);
	u8 *bytes = at(m, data, 512);

	memset(bytes, 0xee, 512);
	assert_int_equal(run(m, VIRTIO_BLK_T_GET_ID, 0, data, 20, true), VIRTIO_BLK_S_OK);
	assert_memory_equal(bytes, "serial number that i", 20);
	assert_int_equal(bytes[20], 0xee);
	memset(bytes, 0xee, 512);
	assert_int_equal(run(m, VIRTIO_BLK_T_GET_ID, 0, data, 6, true), VIRTIO_BLK_S_OK);
	assert_memory_equal(bytes, "serial\xee", 7);
	assert_int_equal(run(m, VIRTIO_BLK_T_GET_ID, 0, data, 512, true), VIRTIO_BLK_S_OK);
	assert_int_equal(bytes[20], 0xee);
	free_machine(m);
}

/* Header, data and status wherever the driver likes them. */
static void test_framing(void **state)
{
	struct machine *m = make_machine(EVERYTHING, 1, false, false);
	gpa_t all = alloc(m, KIB(8)), back = alloc(m, KIB(8));
	u8 *bytes = at(m, all, KIB(8));
	struct virtio_blk_outhdr header = { .type = htole32(VIRTIO_BLK_T_OUT),
					    .sector = htole64(7) };

	memcpy(bytes, &header, 16);
	fill(bytes + 16, 1024, 4);
	/* Header cut in three, the last piece together with data. */
	assert_int_equal(run_chain(m,
				   (struct ring_buffer[]){ { all, 5, false },
							   { all + 5, 10, false },
							   { all + 15, 101, false },
							   { all + 116, 924, false },
							   { back, 1, true } },
				   5),
			 VIRTIO_BLK_S_OK);
	/* All in one for writing, all in one for reading: data and status share a descriptor. */
	header.sector = htole64(9);
	memcpy(bytes, &header, 16);
	assert_int_equal(
		run_chain(m, (struct ring_buffer[]){ { all, 16 + 1024, false }, { back, 1, true } },
			  2),
		VIRTIO_BLK_S_OK);
	header.type = htole32(VIRTIO_BLK_T_IN);
	header.sector = htole64(7);
	memcpy(at(m, back + 4096, 16), &header, 16);
	assert_int_equal(run_chain(m,
				   (struct ring_buffer[]){ { back + 4096, 16, false },
							   { back, 2049, true } },
				   2),
			 VIRTIO_BLK_S_OK);
	assert_memory_equal(at(m, back, 1024), bytes + 16, 1024);
	assert_memory_equal(at(m, back + 1024, 1024), bytes + 16, 1024);
	/* Many small pieces, more than a request has room for in itself. */
	struct ring_buffer pieces[1 + 64 + 1] = { { back + 4096, 16, false } };
	memset(at(m, back, 1025), 0, 1025);
	for (unsigned i = 0; i < 64; i++)
		pieces[1 + i] = (struct ring_buffer){ back + i * 16, 16, true };
	pieces[65] = (struct ring_buffer){ back + 1024, 1, true };
	assert_int_equal(run_chain(m, pieces, 66), VIRTIO_BLK_S_OK);
	assert_memory_equal(at(m, back, 1024), bytes + 16, 1024);
	free_machine(m);
}

static int run_segments(struct machine *m, u32 type, unsigned nr,
			const struct virtio_blk_discard_write_zeroes *segments, u32 len)
{
	gpa_t saved = m->heap, data = alloc(m, MAX(len, 1U));

	memcpy(at(m, data, len), segments, MIN(len, nr * 16));
	int status = run(m, type, 0, data, len, false);
	m->heap = saved;
	return status;
}

static void test_discard_and_zeroes(void **state)
{
	struct machine *m = make_machine(EVERYTHING, 1, false, false);
	static struct virtio_blk_discard_write_zeroes many[BLK_DISCARD_SEGMENTS + 1];
	struct virtio_blk_discard_write_zeroes one = { .sector = htole64(8),
						       .num_sectors = htole32(16) };
	static u8 disk[KIB(64)], seen[KIB(64)];
	const u32 discard = VIRTIO_BLK_T_DISCARD, zeroes = VIRTIO_BLK_T_WRITE_ZEROES;

	fill(disk, sizeof(disk), 8);
	assert_int_equal(pwrite(m->memfd, disk, sizeof(disk), 0), sizeof(disk));
	assert_int_equal(run_segments(m, discard, 1, &one, 16), VIRTIO_BLK_S_OK);
	assert_int_equal(lseek(m->memfd, 0, SEEK_HOLE), 4096);
	one.sector = htole64(65);
	one.num_sectors = htole32(3);
	assert_int_equal(run_segments(m, zeroes, 1, &one, 16), VIRTIO_BLK_S_OK);
	one.sector = htole64(80);
	one.num_sectors = htole32(8);
	one.flags = htole32(VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
	assert_int_equal(run_segments(m, zeroes, 1, &one, 16), VIRTIO_BLK_S_OK);
	memset(disk + 4096, 0, 8192);
	memset(disk + 65 * 512, 0, 3 * 512);
	memset(disk + 80 * 512, 0, 8 * 512);
	assert_int_equal(pread(m->memfd, seen, sizeof(seen), 0), sizeof(seen));
	assert_memory_equal(disk, seen, sizeof(disk));
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct virtio_blk_discard_write_zeroes){ .sector = htole64(i * 16),
								    .num_sectors = htole32(8) };
	assert_int_equal(run_segments(m, discard, 64, many, 64 * 16), VIRTIO_BLK_S_OK);
	assert_int_equal(lseek(m->memfd, 0, SEEK_DATA), 8 * 512 + 8192);

	/* What is wrong: flags first, as the specification wants it. */
	assert_int_equal(run_segments(m, discard, 1, &one, 16), VIRTIO_BLK_S_UNSUPP);
	one.flags = htole32(2);
	assert_int_equal(run_segments(m, discard, 1, &one, 16), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(run_segments(m, zeroes, 1, &one, 16), VIRTIO_BLK_S_UNSUPP);
	one.flags = 0;
	assert_int_equal(run_segments(m, discard, 65, many, 65 * 16), VIRTIO_BLK_S_IOERR);
	assert_int_equal(run_segments(m, zeroes, 2, many, 2 * 16), VIRTIO_BLK_S_IOERR);
	assert_int_equal(run_segments(m, discard, 1, many, MIB(1)), VIRTIO_BLK_S_IOERR);
	assert_int_equal(run_segments(m, discard, 1, &one, 15), VIRTIO_BLK_S_IOERR);
	assert_int_equal(run_segments(m, discard, 1, &one, 17), VIRTIO_BLK_S_IOERR);
	assert_int_equal(run_segments(m, discard, 1, &one, 0), VIRTIO_BLK_S_IOERR);
	one.sector = htole64(SECTORS - 1);
	one.num_sectors = htole32(2);
	assert_int_equal(run_segments(m, discard, 1, &one, 16), VIRTIO_BLK_S_IOERR);
	one.sector = htole64(~0ULL);
	assert_int_equal(run_segments(m, zeroes, 1, &one, 16), VIRTIO_BLK_S_IOERR);
	one.sector = 0;
	one.num_sectors = htole32(~0U);
	assert_int_equal(run_segments(m, zeroes, 1, &one, 16), VIRTIO_BLK_S_IOERR);
	assert_false(is_broken(m));

	/* A driver that did not ask for it does not get it. */
	boot(m, 0);
	one.num_sectors = htole32(1);
	assert_int_equal(run_segments(m, discard, 1, &one, 16), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(run_segments(m, zeroes, 1, &one, 16), VIRTIO_BLK_S_UNSUPP);
	free_machine(m);
}

static void ignore_loss(void *opaque, bool unshared)
{
}

/* What is in the guest's memory then may be ours, and a disk must not get it. */
static void test_no_write_of_lost_memory(void **state)
{
	struct virtio_blk_discard_write_zeroes one = { .num_sectors = htole32(8) };
	struct machine *m = make_machine(~0ULL, 1, false, false);
	static const bool private;
	const struct memory_guard guard = {
		.memory = &m->vm.memory,
		.private = &private,
		.lost = ignore_loss,
	};
	gpa_t data = alloc(m, 512);
	u8 byte;

	fill(at(m, data, 512), 512, 1);
	assert_int_equal(memory_guard_arm(&guard), 0);
	assert_int_equal(run(m, VIRTIO_BLK_T_OUT, 0, data, 512, false), VIRTIO_BLK_S_OK);
	assert_int_equal(pwrite(m->memfd, "x", 1, 0), 1);
	assert_true(memory_guard_report(RING_BASE, false));
	assert_int_equal(run(m, VIRTIO_BLK_T_OUT, 0, data, 512, false), VIRTIO_BLK_S_IOERR);
	assert_int_equal(run_segments(m, VIRTIO_BLK_T_WRITE_ZEROES, 1, &one, 16),
			 VIRTIO_BLK_S_IOERR);
	assert_int_equal(run_segments(m, VIRTIO_BLK_T_DISCARD, 1, &one, 16), VIRTIO_BLK_S_IOERR);
	assert_int_equal(pread(m->memfd, &byte, 1, 0), 1);
	assert_int_equal(byte, 'x');
	/* What the guest wrote before gets onto it. */
	assert_int_equal(run(m, VIRTIO_BLK_T_IN, 0, data, 512, true), VIRTIO_BLK_S_OK);
	assert_int_equal(run(m, VIRTIO_BLK_T_FLUSH, 0, 0, 0, false), VIRTIO_BLK_S_OK);
	memory_guard_disarm();
	free_machine(m);
}

/* Requests are used again: a flush, a read and a write know nothing of the discard that was before. */
static void test_flush_after_ranges(void **state)
{
	struct machine *m = make_machine(EVERYTHING, 1, false, false);
	struct virtio_blk_discard_write_zeroes one = { .sector = htole64(8),
						       .num_sectors = htole32(16) };

	for (int i = 0; i < 3; i++) {
		one.sector = htole64(8);
		assert_int_equal(run_segments(m, VIRTIO_BLK_T_WRITE_ZEROES, 1, &one, 16),
				 VIRTIO_BLK_S_OK);
		/* A refused one leaves its own, senseless, segments in the room. */
		one.sector = htole64(UINT64_MAX);
		assert_int_equal(run_segments(m, VIRTIO_BLK_T_DISCARD, 1, &one, 16),
				 VIRTIO_BLK_S_IOERR);
		assert_int_equal(run(m, VIRTIO_BLK_T_FLUSH, 0, 0, 0, false), VIRTIO_BLK_S_OK);
	}
	free_machine(m);
}

static void test_out_of_bounds(void **state)
{
	struct machine *m = make_machine(EVERYTHING, 1, false, false);
	gpa_t data = alloc(m, 4096);
	static const u64 sectors[] = { SECTORS,	  SECTORS - 1, SECTORS + 1,	~0ULL,
				       ~0ULL - 1, 1ULL << 55,  (1ULL << 55) - 1 };

	for (unsigned i = 0; i < ARRAY_SIZE(sectors); i++) {
		assert_int_equal(run(m, VIRTIO_BLK_T_IN, sectors[i], data, 1024, true),
				 VIRTIO_BLK_S_IOERR);
		assert_int_equal(run(m, VIRTIO_BLK_T_OUT, sectors[i], data, 1024, false),
				 VIRTIO_BLK_S_IOERR);
	}
	assert_int_equal(run(m, VIRTIO_BLK_T_IN, 0, data, 511, true), VIRTIO_BLK_S_IOERR);
	assert_int_equal(run(m, VIRTIO_BLK_T_IN, 0, data, 513, true), VIRTIO_BLK_S_IOERR);
	assert_int_equal(run(m, VIRTIO_BLK_T_OUT, 0, data, 1, false), VIRTIO_BLK_S_IOERR);
	/* Larger than the disk, and longer than 4 GiB in its header's mind. */
	assert_int_equal(run(m, VIRTIO_BLK_T_IN, 0, RING_BASE + MIB(1), DISK_SIZE + 512, true),
			 VIRTIO_BLK_S_IOERR);
	assert_int_equal(lseek(m->memfd, 0, SEEK_END), DISK_SIZE);
	assert_false(is_broken(m));
	free_machine(m);
}

static void test_unknown_types(void **state)
{
	struct machine *m = make_machine(EVERYTHING, 1, false, false);
	gpa_t data = alloc(m, 512);
	static const u32 types[] = { 2, 3, 5, 7, 14, 16, 0x80000000, 0xffffffff };

	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		assert_int_equal(run(m, types[i], 0, data, 512, true), VIRTIO_BLK_S_UNSUPP);
		assert_int_equal(run(m, types[i], 0, data, 512, false), VIRTIO_BLK_S_UNSUPP);
		assert_int_equal(run(m, types[i], 0, 0, 0, false), VIRTIO_BLK_S_UNSUPP);
	}
	/* Data in the wrong direction: there is none. */
	assert_int_equal(run(m, VIRTIO_BLK_T_OUT, 0, data, 512, true), VIRTIO_BLK_S_OK);
	assert_int_equal(run(m, VIRTIO_BLK_T_IN, 0, data, 512, false), VIRTIO_BLK_S_OK);
	assert_int_equal(lseek(m->memfd, 0, SEEK_DATA), -1);
	free_machine(m);
}

static void test_readonly(void **state)
{
	struct machine *m = make_machine(EVERYTHING, 1, true, false);
	gpa_t data = alloc(m, 512);

	assert_int_equal(run(m, VIRTIO_BLK_T_OUT, 0, data, 512, false), VIRTIO_BLK_S_IOERR);
	assert_int_equal(run(m, VIRTIO_BLK_T_IN, 0, data, 512, true), VIRTIO_BLK_S_OK);
	assert_int_equal(run(m, VIRTIO_BLK_T_FLUSH, 0, 0, 0, false), VIRTIO_BLK_S_OK);
	assert_int_equal(run(m, VIRTIO_BLK_T_DISCARD, 0, data, 16, false), VIRTIO_BLK_S_UNSUPP);
	free_machine(m);
}

/* A broken device is reset and works again. */
static void assert_breaks(struct machine *m, const struct ring_buffer *buffers, unsigned nr)
{
	gpa_t data;

	assert_int_equal(run_chain(m, buffers, nr), -1);
	assert_true(is_broken(m));
	assert_true(m->transport.config_interrupts > 0);
	/* Deaf until then. */
	kick(m, 0);
	assert_false(ring_used(&m->ring[0], NULL, NULL));
	boot(m, 0);
	assert_false(is_broken(m));
	data = alloc(m, 512);
	assert_int_equal(run(m, VIRTIO_BLK_T_IN, 0, data, 512, true), VIRTIO_BLK_S_OK);
}

static void test_broken_chains(void **state)
{
	struct machine *m = make_machine(0, 1, false, false);
	gpa_t header = RING_BASE + MIB(1), data = RING_BASE + MIB(2);

	/* No status byte, no header, half a header, nothing but zero lengths. */
	assert_breaks(m, (struct ring_buffer[]){ { header, 16, false }, { data, 512, false } }, 2);
	assert_breaks(m, (struct ring_buffer[]){ { data, 512, true } }, 1);
	assert_breaks(m, (struct ring_buffer[]){ { header, 15, false }, { data, 513, true } }, 2);
	/* Readable behind writable; outside memory. */
	assert_breaks(m,
		      (struct ring_buffer[]){
			      { header, 16, false }, { data, 512, true }, { data, 512, false } },
		      3);
	ring_desc(&m->ring[0], m->ring[0].next_desc, RING_BASE + RAM_SIZE - 8, 16, 0, 0);
	ring_offer(&m->ring[0], m->ring[0].next_desc);
	kick(m, 0);
	assert_true(is_broken(m));
	free_machine(m);
}

/* As many as can be asked for. */
static void test_all_queues(void **state)
{
	const struct disk_config config = { .path = "/proc/self/exe", .readonly = true };
	struct vm vm = { .loop = NULL };
	struct virtio_blk *blk;
	struct disk *disk;

	guest_memory_init(&vm.memory);
	assert_int_equal(disk_open(&disk, &config), 0);
	blk = blk_new(&vm, disk, &config, 0, BLK_MAX_QUEUES);
	assert_non_null(blk);
	assert_int_equal(blk->dev.nr_queues, BLK_MAX_QUEUES);
	blk->dev.device.ops->destroy(&blk->dev.device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_writeback),
		cmocka_unit_test(test_read_write),
		cmocka_unit_test(test_get_id),
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_discard_and_zeroes),
		cmocka_unit_test(test_no_write_of_lost_memory),
		cmocka_unit_test(test_flush_after_ranges),
		cmocka_unit_test(test_out_of_bounds),
		cmocka_unit_test(test_unknown_types),
		cmocka_unit_test(test_readonly),
		cmocka_unit_test(test_broken_chains),
		cmocka_unit_test(test_all_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
