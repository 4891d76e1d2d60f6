// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio-blk as its driver sees it: configuration, every request type, any framing, hostile requests,
 * more requests than the device has room for, resets under load.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include "../../virtio/blk.h"
#include "lkvm/memory_guard.h"
#include "virtio_driver.h"

#define RAM_SIZE  MIB(8)
#define DISK_SIZE MIB(4)
#define SECTORS	  (DISK_SIZE / 512)
#define QUEUES	  4
#define RING_ROOM KIB(64)

struct machine {
	int memfd;
	u8 *ram;
	struct guest_memory memory;
	struct virtio_blk *blk;
	struct test_transport transport;
	struct ring ring[QUEUES];
	gpa_t heap;
	unsigned queues;
};

static void boot(struct machine *m, u64 features)
{
	struct virtio_device *dev = &m->blk->dev;

	virtio_set_status(dev, 0);
	memset(m->ram, 0, RAM_SIZE);
	for (unsigned i = 0; i < m->queues; i++)
		ring_init_at(&m->ring[i], m->ram, RING_BASE, RAM_SIZE, 256,
			     RING_BASE + i * RING_ROOM, RING_BASE + (i + 1) * RING_ROOM);
	m->heap = RING_BASE + QUEUES * RING_ROOM;
	assert_true(driver_start(dev, features, m->ring, m->queues));
}

#define EVERYTHING (~0ULL)

static struct machine *make_machine(u64 features, unsigned queues, bool readonly, bool direct)
{
	struct machine *m = calloc(1, sizeof(*m));
	char path[64];

	m->queues = queues;
	m->memfd = memfd_create("disk", 0);
	assert_int_equal(ftruncate(m->memfd, DISK_SIZE), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", m->memfd);
	struct disk_config config = { .path = path,
				      .readonly = readonly,
				      .direct = direct,
				      .serial = "serial number that is too long" };
	m->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	guest_memory_init(&m->memory);
	assert_int_equal(guest_memory_add_buffer(&m->memory, RING_BASE, m->ram, RAM_SIZE), 0);
	assert_int_equal(blk_new(&m->blk, NULL, &m->memory, &config, 3, queues), 0);
	test_transport_init(&m->transport, &m->blk->dev);
	u64 offered = m->blk->dev.device_features & ~BIT(VIRTIO_RING_F_EVENT_IDX);
	boot(m, features == EVERYTHING ? offered : features);
	return m;
}

static void free_machine(struct machine *m)
{
	m->blk->dev.device.ops->destroy(&m->blk->dev.device);
	assert_true(m->transport.destroyed);
	guest_memory_destroy(&m->memory);
	munmap(m->ram, RAM_SIZE);
	close(m->memfd);
	free(m);
}

static gpa_t alloc(struct machine *m, u64 len)
{
	gpa_t gpa = m->heap;

	m->heap += ALIGN_UP(len, 512ULL);
	assert_true(m->heap <= RING_BASE + RAM_SIZE);
	return gpa;
}

static u8 *at(struct machine *m, gpa_t gpa, u64 len)
{
	return ring_ptr(&m->ring[0], gpa, len);
}

static gpa_t make_header(struct machine *m, u32 type, u64 sector)
{
	gpa_t gpa = alloc(m, 512);
	struct virtio_blk_outhdr header = { .type = htole32(type), .sector = htole64(sector) };

	memcpy(at(m, gpa, sizeof(header)), &header, sizeof(header));
	return gpa;
}

/* What the loop's thread would do. */
static void kick(struct machine *m, unsigned queue)
{
	virtio_queue_notified(&m->blk->dev, queue);
	test_run_loop(disk_loop(m->blk->disk));
	disk_drain(m->blk->disk);
	test_run_loop(disk_loop(m->blk->disk));
}

/* Status, or -1 when the request did not come back. */
static int run_chain(struct machine *m, const struct ring_buffer *buffers, unsigned nr)
{
	const struct ring_buffer *last = &buffers[nr - 1];
	u8 *status = at(m, last->gpa, last->len) + last->len - 1;
	u32 id, len, writable = 0;

	for (unsigned i = 0; i < nr; i++)
		writable += buffers[i].writable ? buffers[i].len : 0;
	if (last->writable)
		*status = 0xee;
	u16 head = ring_add(&m->ring[0], buffers, nr);
	kick(m, 0);
	if (!ring_used(&m->ring[0], &id, &len))
		return -1;
	assert_int_equal(id, head);
	assert_int_equal(len, writable);
	return *status;
}

static int run(struct machine *m, u32 type, u64 sector, gpa_t data, u32 len, bool writable)
{
	gpa_t saved = m->heap;
	struct ring_buffer buffers[3] = { { make_header(m, type, sector), 16, false },
					  { data, len, writable } };
	unsigned nr = len ? 2 : 1;

	buffers[nr++] = (struct ring_buffer){ alloc(m, 1), 1, true };
	int status = run_chain(m, buffers, nr);
	m->heap = saved;
	return status;
}

static bool is_broken(struct machine *m)
{
	return virtio_get_status(&m->blk->dev) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static void fill(u8 *buffer, size_t length, unsigned seed)
{
	for (size_t i = 0; i < length; i++)
		buffer[i] = (i * 7 + (i >> 9) * 13 + seed) | 1;
}

/* ---- configuration ---- */

static void test_config(void **state)
{
	struct machine *m = make_machine(EVERYTHING, QUEUES, false, false);
	struct virtio_device *dev = &m->blk->dev;
	struct virtio_blk_config config;
	u64 offered = dev->device_features;
	u8 byte;

	assert_int_equal(dev->config_size, 60);
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
	const struct memory_guard guard = { .memory = &m->memory, .lost = ignore_loss };
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

/* ---- many ---- */

/* Offers everything at once, in a scrambled order, from a queue that is full. */
static void offer_load(struct machine *m, unsigned queue, u32 type, unsigned nr, gpa_t data,
		       gpa_t headers)
{
	for (unsigned i = 0; i < nr; i++) {
		unsigned sector = i * 37 % nr + queue * nr;
		gpa_t header = headers + (queue * nr + i) * 32ULL;
		struct virtio_blk_outhdr h = { .type = htole32(type), .sector = htole64(sector) };

		memcpy(at(m, header, 16), &h, 16);
		*at(m, header + 16, 1) = 0xee;
		ring_add(&m->ring[queue],
			 (struct ring_buffer[]){
				 { header, 16, false },
				 { data + sector * 512ULL, 512, type == VIRTIO_BLK_T_IN },
				 { header + 16, 1, true } },
			 3);
	}
}

static void check_load(struct machine *m, unsigned queue, unsigned nr, gpa_t headers)
{
	u64 seen[4] = { 0 };
	u32 id = 0;

	for (unsigned i = 0; i < nr; i++) {
		assert_true(ring_used(&m->ring[queue], &id, NULL));
		assert_false(seen[id / 64] & BIT(id % 64));
		seen[id / 64] |= BIT(id % 64);
		assert_int_equal(*at(m, headers + (queue * nr + i) * 32ULL + 16, 1), 0);
	}
	assert_false(ring_used(&m->ring[queue], NULL, NULL));
}

#define LOAD 80 /* requests of three descriptors that fit into a queue of 256 */

static void test_many_at_once(void **state)
{
	struct machine *m = make_machine(EVERYTHING, QUEUES, false, false);
	gpa_t data = alloc(m, QUEUES * LOAD * 512), headers = alloc(m, QUEUES * LOAD * 32);
	static u8 original[QUEUES * LOAD * 512];

	/* More than the device's requests, from all queues, before anything may complete. */
	fill(original, sizeof(original), 77);
	memcpy(at(m, data, sizeof(original)), original, sizeof(original));
	for (unsigned q = 0; q < QUEUES; q++)
		offer_load(m, q, VIRTIO_BLK_T_OUT, LOAD, data, headers);
	for (unsigned q = 0; q < QUEUES; q++)
		virtio_queue_notified(&m->blk->dev, q);
	for (unsigned i = 0; i < 20; i++)
		kick(m, 0);
	for (unsigned q = 0; q < QUEUES; q++) {
		check_load(m, q, LOAD, headers);
		assert_in_range(m->transport.interrupts[q], 1, LOAD / 4);
	}
	memset(at(m, data, sizeof(original)), 0, sizeof(original));
	for (unsigned q = 0; q < QUEUES; q++)
		offer_load(m, q, VIRTIO_BLK_T_IN, LOAD, data, headers);
	for (unsigned q = 0; q < QUEUES; q++)
		kick(m, q);
	for (unsigned q = 0; q < QUEUES; q++)
		check_load(m, q, LOAD, headers);
	assert_memory_equal(at(m, data, sizeof(original)), original, sizeof(original));
	free_machine(m);
}

/* One descriptor of the ring for a whole request of one sector, or segment. */
static void offer_indirect(struct machine *m, u16 slot, gpa_t where, u32 type, u64 sector)
{
	u32 data_len = type == VIRTIO_BLK_T_WRITE_ZEROES ? 16 : 512;
	struct vring_desc table[3] = {
		{ htole64(where + 64), htole32(16), htole16(VRING_DESC_F_NEXT), htole16(1) },
		{ htole64(where + 512), htole32(data_len),
		  htole16(VRING_DESC_F_NEXT | (type == VIRTIO_BLK_T_IN ? VRING_DESC_F_WRITE : 0)),
		  htole16(2) },
		{ htole64(where + 80), htole32(1), htole16(VRING_DESC_F_WRITE), 0 },
	};
	struct virtio_blk_outhdr header = { .type = htole32(type), .sector = htole64(sector) };

	memcpy(at(m, where, sizeof(table)), table, sizeof(table));
	memcpy(at(m, where + 64, 16), &header, 16);
	*at(m, where + 80, 1) = 0xee;
	ring_desc(&m->ring[0], slot, where, sizeof(table), VRING_DESC_F_INDIRECT, 0);
	ring_offer(&m->ring[0], slot);
}

/* A full ring of indirect requests is twice what the device takes at once. */
static void test_more_than_the_pool(void **state)
{
	struct machine *m = make_machine(EVERYTHING, 1, false, false);
	gpa_t where = alloc(m, 256 * 1024);

	_Static_assert(BLK_REQUESTS < 256, "the ring holds more than the device");
	for (unsigned i = 0; i < 256; i++) {
		fill(at(m, where + i * 1024 + 512, 512), 512, i);
		offer_indirect(m, i, where + i * 1024, VIRTIO_BLK_T_OUT, i * 5);
	}
	for (unsigned i = 0; i < 8; i++)
		kick(m, 0);
	for (unsigned i = 0; i < 256; i++) {
		u8 seen[512], expected[512];

		assert_true(ring_used(&m->ring[0], NULL, NULL));
		assert_int_equal(*at(m, where + i * 1024 + 80, 1), 0);
		fill(expected, 512, i);
		assert_int_equal(pread(m->memfd, seen, 512, i * 5 * 512), 512);
		assert_memory_equal(seen, expected, 512);
	}
	assert_false(ring_used(&m->ring[0], NULL, NULL));
	free_machine(m);
}

/*
 * With the threads at work the queue stalls for want of free requests while the worker writes zeroes,
 * and has to go on by itself: there is one kick only.
 */
static void test_stall(void **state)
{
	struct machine *m = make_machine(EVERYTHING, 1, false, false);
	struct device *device = &m->blk->dev.device;
	gpa_t where = alloc(m, 256 * 1024);
	struct virtio_blk_discard_write_zeroes segment = { .num_sectors = htole32(SECTORS / 4) };
	u16 *idx = &m->ring[0].used->idx;

	for (unsigned i = 0; i < 256; i++) {
		memcpy(at(m, where + i * 1024 + 512, 16), &segment, 16);
		offer_indirect(m, i, where + i * 1024, VIRTIO_BLK_T_WRITE_ZEROES, 0);
	}
	virtio_queue_notified(&m->blk->dev, 0);
	assert_int_equal(device->ops->start(device), 0);
	for (int i = 0; i < 100000 && !__atomic_load_n(idx, __ATOMIC_ACQUIRE); i++)
		usleep(100);
	/* A pause in the middle: what was taken is answered, the rest waits. */
	device->ops->quiesce(device);
	u16 before = *idx;
	assert_int_equal(m->blk->dev.queues[0].vq.nr_busy, 0);
	usleep(5000);
	assert_int_equal(*idx, before);
	device->ops->resume(device);
	for (int i = 0; i < 10000 && __atomic_load_n(idx, __ATOMIC_ACQUIRE) != 256; i++)
		usleep(1000);
	assert_int_equal(__atomic_load_n(idx, __ATOMIC_ACQUIRE), 256);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(*at(m, where + i * 1024 + 80, 1), 0);
	free_machine(m);
}

/* The I/O thread runs; pausing and resetting come in between, from here. */
static void test_life_under_load(void **state)
{
	struct machine *m = make_machine(EVERYTHING, QUEUES, false, false);
	struct device *device = &m->blk->dev.device;
	u64 features = m->blk->dev.device_features;
	gpa_t data, headers;

	assert_int_equal(device->ops->start(device), 0);
	for (unsigned round = 0; round < 20; round++) {
		boot(m, features);
		data = alloc(m, QUEUES * LOAD * 512);
		headers = alloc(m, QUEUES * LOAD * 32);
		for (unsigned q = 0; q < QUEUES; q++) {
			ring_set_used_event(&m->ring[q], LOAD - 1);
			offer_load(m, q, round % 2 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT, LOAD, data,
				   headers);
			virtio_queue_notified(&m->blk->dev, q);
		}
		device->ops->quiesce(device);
		/* Whatever was taken is answered, and nothing moves any more. */
		u16 used[QUEUES];
		for (unsigned q = 0; q < QUEUES; q++)
			used[q] = m->ring[q].used->idx;
		for (unsigned q = 0; q < QUEUES; q++)
			assert_int_equal(m->blk->dev.queues[q].vq.nr_busy, 0);
		if (round % 5 == 4)
			device->ops->reset(device);
		for (unsigned q = 0; q < QUEUES; q++)
			assert_int_equal(used[q], m->ring[q].used->idx);
		device->ops->resume(device);
		if (round % 5 >= 3)
			continue; /* the next boot resets it in the middle */
		for (unsigned q = 0; q < QUEUES; q++) {
			u16 *idx = &m->ring[q].used->idx;

			for (int i = 0; i < 10000 && __atomic_load_n(idx, __ATOMIC_ACQUIRE) != LOAD;
			     i++)
				usleep(1000);
			check_load(m, q, LOAD, headers);
		}
	}
	free_machine(m);
}

static void test_too_many_queues(void **state)
{
	struct guest_memory memory;
	struct virtio_blk *blk;
	struct disk_config config = { .path = "/nowhere/disk" };

	guest_memory_init(&memory);
	assert_int_equal(blk_new(&blk, NULL, &memory, &config, 0, 9), -EINVAL);
	assert_int_equal(blk_new(&blk, NULL, &memory, &config, 0, 8), -ENOENT);
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
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_more_than_the_pool),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_life_under_load),
		cmocka_unit_test(test_too_many_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
