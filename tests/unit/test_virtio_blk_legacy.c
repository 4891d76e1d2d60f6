/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-blk with legacy drivers of both byte orders: configuration and requests. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../virtio/blk.h"
#include "lkvm/vm/vm.h"
#include "lkvm/util/log.h"
#include "disk_drain.h"
#include "virtio_driver.h"

#define RAM_SIZE  MIB(1)
#define DISK_SIZE (512ULL * 0x10203)
#define FLUSH_OUT 5

struct machine {
	int memfd;
	u8 *ram;
	struct vm vm; /* its memory */
	struct virtio_blk *blk;
	struct test_transport transport;
	struct ring ring;
};

static struct virtio_device *dev_of(struct machine *m)
{
	return &m->blk->dev;
}

static void bring_up(struct machine *m, u32 features)
{
	ring_init_legacy(&m->ring, m->ram, RING_BASE, RAM_SIZE, BLK_QUEUE_SIZE, RING_BASE, 4096,
			 driver_big_endian);
	assert_true(driver_start_legacy(dev_of(m), features, &m->ring, 1, 4096));
}

static int setup_order(void **state, bool big)
{
	struct machine *m = calloc(1, sizeof(*m));
	char path[64];
	struct disk_config config = { .path = path };
	struct disk *disk;

	driver_big_endian = big;
	m->memfd = memfd_create("disk", 0);
	assert_int_equal(ftruncate(m->memfd, DISK_SIZE), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", m->memfd);
	m->ram = calloc(1, RAM_SIZE);
	guest_memory_init(&m->vm.memory);
	assert_int_equal(guest_memory_add_buffer(&m->vm.memory, RING_BASE, m->ram, RAM_SIZE), 0);
	assert_int_equal(disk_open(&disk, &config), 0);
	m->blk = blk_new(&m->vm, disk, &config, 0, 3);
	assert_non_null(m->blk);
	virtio_set_legacy(dev_of(m));
	test_transport_init(&m->transport, dev_of(m));
	*state = m;
	return 0;
}

static int setup_little(void **state)
{
	return setup_order(state, false);
}

static int setup_big(void **state)
{
	return setup_order(state, true);
}

static int teardown(void **state)
{
	struct machine *m = *state;

	dev_of(m)->device.ops->destroy(&dev_of(m)->device);
	free(m->ram);
	close(m->memfd);
	free(m);
	return 0;
}

static u64 order(u64 value, unsigned len)
{
	return driver_big_endian ? htobe64(value) >> (64 - 8 * len) : value;
}

static void config_space(void **state)
{
	struct machine *m = *state;
	struct virtio_blk_config config;

	assert_int_equal(dev_of(m)->device_features >> 32, 0);
	assert_false(
		dev_of(m)->device_features &
		(BIT(VIRTIO_F_ANY_LAYOUT) | BIT(VIRTIO_BLK_F_SCSI) | BIT(VIRTIO_BLK_F_BARRIER)));
	bring_up(m, BIT(VIRTIO_BLK_F_FLUSH));
	virtio_config_read(dev_of(m), 0, (u8 *)&config, dev_of(m)->ops->config_size);
	assert_memory_equal(&config.capacity,
			    driver_big_endian ? "\0\0\0\0\0\1\2\3" : "\3\2\1\0\0\0\0\0", 8);
	assert_int_equal(order(config.seg_max, 4), BLK_SEG_MAX);
	assert_int_equal(order(config.blk_size, 4), 512);
	assert_int_equal(config.physical_block_exp, 3);
	assert_int_equal(order(config.min_io_size, 2), 8);
	assert_int_equal(order(config.num_queues, 2), 3);
	assert_int_equal(config.wce, 1);
	assert_int_equal(order(config.max_discard_sectors, 4), BLK_DISCARD_SECTORS);
	assert_int_equal(order(config.max_discard_seg, 4), BLK_DISCARD_SEGMENTS);
	assert_int_equal(order(config.discard_sector_alignment, 4), 8);
	assert_int_equal(order(config.max_write_zeroes_sectors, 4), BLK_WRITE_ZEROES_SECTORS);
	assert_int_equal(order(config.max_write_zeroes_seg, 4), BLK_WRITE_ZEROES_SEGMENTS);
	/* Without the feature a driver cannot flush: what it writes must be stable. */
	bring_up(m, 0);
	virtio_config_read(dev_of(m), 32, &config.wce, 1);
	assert_int_equal(config.wce, 0);
}

/* The layout that drivers without ANY_LAYOUT use: header, data, status, a descriptor each. */
static u8 run(struct machine *m, u32 type, u64 sector, void *data, u32 len, bool writable)
{
	struct ring *r = &m->ring;
	gpa_t header = ring_alloc(r, 16), buffer = ring_alloc(r, MAX(len, 1u)),
	      status = ring_alloc(r, 1);
	struct ring_buffer chain[3] = { { header, 16, false }, { buffer, len, writable } };
	unsigned nr = len ? 2 : 1;

	type = order(type, 4);
	sector = order(sector, 8);
	memcpy(ring_ptr(r, header, 4), &type, 4);
	memcpy(ring_ptr(r, header + 8, 8), &sector, 8);
	if (len)
		memcpy(ring_ptr(r, buffer, len), data, len);
	*(u8 *)ring_ptr(r, status, 1) = 0xee;
	chain[nr++] = (struct ring_buffer){ status, 1, true };
	ring_add(r, chain, nr);
	driver_notify(dev_of(m), 0);
	test_run_loop(disk_loop(m->blk->disk));
	disk_drain(m->blk->disk);
	test_run_loop(disk_loop(m->blk->disk));
	assert_true(ring_used(r, NULL, NULL));
	if (len)
		memcpy(data, ring_ptr(r, buffer, len), len);
	return *(u8 *)ring_ptr(r, status, 1);
}

static void requests(void **state)
{
	struct machine *m = *state;
	u8 data[1024], back[1024];

	bring_up(m, BIT(VIRTIO_BLK_F_FLUSH));
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = i * 5;
	assert_int_equal(run(m, VIRTIO_BLK_T_OUT, 0x10200, data, 1024, false), VIRTIO_BLK_S_OK);
	assert_int_equal(pread(m->memfd, back, 1024, 0x10200 * 512), 1024);
	assert_memory_equal(back, data, 1024);
	memset(back, 0, sizeof(back));
	assert_int_equal(run(m, VIRTIO_BLK_T_IN, 0x10200, back, 1024, true), VIRTIO_BLK_S_OK);
	assert_memory_equal(back, data, 1024);
	assert_int_equal(run(m, VIRTIO_BLK_T_IN, 0x10202, back, 1024, true), VIRTIO_BLK_S_IOERR);
	assert_int_equal(run(m, VIRTIO_BLK_T_FLUSH, 0, NULL, 0, false), VIRTIO_BLK_S_OK);
	assert_int_equal(run(m, FLUSH_OUT, 0, NULL, 0, false), VIRTIO_BLK_S_OK);
	memset(back, 0, sizeof(back));
	assert_int_equal(run(m, VIRTIO_BLK_T_GET_ID, 0, back, 20, true), VIRTIO_BLK_S_OK);
	assert_string_equal((char *)back, "lkvm-disk0");
	assert_int_equal(run(m, 99, 0, back, 20, true), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(run(m, 2, 0, back, 20, true), VIRTIO_BLK_S_UNSUPP);
}

/* Segments are little-endian in drivers of either order. */
static void discard(void **state)
{
	struct machine *m = *state;
	struct virtio_blk_discard_write_zeroes segment = { .sector = htole64(8),
							   .num_sectors = htole32(16) };
	u8 data[1024], back[1024];

	bring_up(m, BIT(VIRTIO_BLK_F_DISCARD) | BIT(VIRTIO_BLK_F_WRITE_ZEROES));
	memset(data, 0x55, sizeof(data));
	assert_int_equal(run(m, VIRTIO_BLK_T_OUT, 23, data, 1024, false), VIRTIO_BLK_S_OK);
	assert_int_equal(run(m, VIRTIO_BLK_T_WRITE_ZEROES, 0, &segment, sizeof(segment), false),
			 VIRTIO_BLK_S_OK);
	memset(data, 0, 512);
	assert_int_equal(pread(m->memfd, back, 1024, 23 * 512), 1024);
	assert_memory_equal(back, data, 1024);
	assert_int_equal(run(m, VIRTIO_BLK_T_DISCARD, 0, &segment, sizeof(segment), false),
			 VIRTIO_BLK_S_OK);
}

#define T(name)                                                                                    \
	{ #name " (little)", name, setup_little, teardown, NULL },                                 \
	{                                                                                          \
#name " (big)", name, setup_big, teardown, NULL                                    \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(config_space),
		T(requests),
		T(discard),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
