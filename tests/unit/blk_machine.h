/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-blk on a disk in memory, with its driver: queues, room for requests, one request at a time. */
#ifndef TEST_BLK_MACHINE_H
#define TEST_BLK_MACHINE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "test.h"
#include "../../virtio/blk.h"
#include "lkvm/vm/vm.h"
#include "disk_drain.h"
#include "virtio_driver.h"

#define RAM_SIZE  MIB(8)
#define DISK_SIZE MIB(4)
#define SECTORS	  (DISK_SIZE / 512)
#define QUEUES	  4
#define RING_ROOM KIB(64)

struct machine {
	int memfd;
	u8 *ram;
	struct vm vm; /* its memory */
	struct virtio_blk *blk;
	struct test_transport transport;
	struct ring ring[QUEUES];
	gpa_t heap;
	unsigned queues;
};

static inline void boot(struct machine *m, u64 features)
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

static inline struct machine *make_machine(u64 features, unsigned queues, bool readonly,
					   bool direct)
{
	struct machine *m = calloc(1, sizeof(*m));
	struct disk *disk;
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
	guest_memory_init(&m->vm.memory);
	assert_int_equal(guest_memory_add_buffer(&m->vm.memory, RING_BASE, m->ram, RAM_SIZE), 0);
	assert_int_equal(disk_open(&disk, &config), 0);
	m->blk = blk_new(&m->vm, disk, &config, 3, queues);
	assert_non_null(m->blk);
	test_transport_init(&m->transport, &m->blk->dev);
	u64 offered = m->blk->dev.device_features & ~BIT(VIRTIO_RING_F_EVENT_IDX);
	boot(m, features == EVERYTHING ? offered : features);
	return m;
}

static inline void free_machine(struct machine *m)
{
	m->blk->dev.device.ops->destroy(&m->blk->dev.device);
	assert_true(m->transport.destroyed);
	guest_memory_destroy(&m->vm.memory);
	munmap(m->ram, RAM_SIZE);
	close(m->memfd);
	free(m);
}

static inline gpa_t alloc(struct machine *m, u64 len)
{
	gpa_t gpa = m->heap;

	m->heap += ALIGN_UP(len, 512ULL);
	assert_true(m->heap <= RING_BASE + RAM_SIZE);
	return gpa;
}

static inline u8 *at(struct machine *m, gpa_t gpa, u64 len)
{
	return ring_ptr(&m->ring[0], gpa, len);
}

static inline gpa_t make_header(struct machine *m, u32 type, u64 sector)
{
	gpa_t gpa = alloc(m, 512);
	struct virtio_blk_outhdr header = { .type = htole32(type), .sector = htole64(sector) };

	memcpy(at(m, gpa, sizeof(header)), &header, sizeof(header));
	return gpa;
}

/* What the loop's thread would do. */
static inline void kick(struct machine *m, unsigned queue)
{
	driver_notify(&m->blk->dev, queue);
	test_run_loop(disk_loop(m->blk->disk));
	disk_drain(m->blk->disk);
	test_run_loop(disk_loop(m->blk->disk));
}

/* Status, or -1 when the request did not come back. */
static inline int run_chain(struct machine *m, const struct ring_buffer *buffers, unsigned nr)
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

static inline int run(struct machine *m, u32 type, u64 sector, gpa_t data, u32 len, bool writable)
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

static inline bool is_broken(struct machine *m)
{
	return virtio_get_status(&m->blk->dev) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static inline void fill(u8 *buffer, size_t length, unsigned seed)
{
	for (size_t i = 0; i < length; i++)
		buffer[i] = (i * 7 + (i >> 9) * 13 + seed) | 1;
}

#endif
