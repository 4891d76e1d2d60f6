// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A driver of virtio-blk, modern or legacy, made from the fuzzer's bytes: good requests, raw descriptors, writes anywhere
 * into its memory, kicks, resets. After each input every request has come back, the disk has its size,
 * and what lies around the guest's memory and the disk's end is as it was.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../virtio/blk.h"
#include "lkvm/vm/vm.h"

#define RAM_SIZE  KIB(128)
#define DISK_SIZE MIB(4) /* with which a request can be longer than a part */
#define QUEUE	  16
#define QUEUES	  2
#define RING_ROOM 1024

#include "disk_drain.h"
#include "fuzz_driver.h" /* which wants these */

static struct vm vm;
static struct virtio_blk *blk;
static int disk_fd;

static void set_up(void)
{
	struct disk *disk;
	char path[64];

	disk_fd = memfd_create("disk", 0);
	if (disk_fd < 0 || ftruncate(disk_fd, DISK_SIZE))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", disk_fd);
	struct disk_config config = { .path = path };
	make_memory();
	vm.memory = memory;
	if (disk_open(&disk, &config))
		abort();
	blk = blk_new(&vm, disk, &config, 0, QUEUES);
	if (!blk)
		abort();
	dev = &blk->dev;
	test_transport_init(&transport, dev);
}

/* What is under way comes back, and what was not begun waits. */
static void pause_and_go_on(void)
{
	dev->device.ops->quiesce(&dev->device);
	dev->device.ops->resume(&dev->device);
}

static gpa_t take_gpa(struct fuzz *in)
{
	return RING_BASE + QUEUES * RING_ROOM + take(in, 2);
}

/* Mostly what a driver would send, so that the fuzzer gets past the first checks. */
static void good_request(struct fuzz *in)
{
	static const u8 types[] = { 0, 1, 4, 8, 11, 13, 14, 2 };
	struct ring *r = &rings[take(in, 1) % QUEUES];
	u32 type = types[take(in, 1) % ARRAY_SIZE(types)];
	gpa_t header = take_gpa(in), buffer = take_gpa(in);
	struct virtio_blk_outhdr h = { .type = ring32(r, type), .sector = ring64(r, take(in, 2)) };
	bool reading = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	u32 len = take(in, 1) * (take(in, 1) & 1 ? 512 : 16);

	memcpy(ring_ptr(r, header, sizeof(h)), &h, sizeof(h));
	ring_add(r,
		 (struct ring_buffer[]){ { header, 16, false },
					 { buffer, len, reading },
					 { header + 16, 1, true } },
		 3);
}

static void check(void)
{
	if (lseek(disk_fd, 0, SEEK_END) != DISK_SIZE)
		abort();
	check_given_back();
	unsigned nr_free = 0;
	for (struct blk_request *r = blk->free; r; r = r->next_free)
		nr_free++;
	if (nr_free != BLK_REQUESTS)
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz in = { data, size };

	if (!blk)
		set_up();
	memset(ram, 0, RAM_SIZE);
	boot(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | take(&in, 4),
	     take(&in, 1));
	while (in.left) {
		switch (take(&in, 1) % 8) {
		case 0:
		case 1:
			good_request(&in);
			break;
		case 2:
			raw_descriptor(&in);
			break;
		case 3:
			ring_offer(&rings[take(&in, 1) % QUEUES], take(&in, 1));
			break;
		case 4:
			write_memory(&in);
			break;
		case 5:
			touch_config(&in);
			break;
		case 6:
			kick(take(&in, 1) % QUEUES);
			break;
		case 7:
			if (take(&in, 1) > 200)
				boot(take(&in, 4), take(&in, 1));
			else
				pause_and_go_on();
			break;
		}
	}
	for (unsigned i = 0; i < QUEUES; i++)
		kick(i);
	pause_and_go_on();
	disk_drain(blk->disk);
	check();
	return 0;
}
