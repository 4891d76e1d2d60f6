/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What virtio drivers made from the fuzzer's bytes have in common. The includer defines RAM_SIZE, QUEUE (a
 * ring's size), QUEUES and RING_ROOM (bytes of memory for each ring), sets `dev`, and gives take_gpa(): an address for a buffer.
 */
#ifndef TEST_FUZZ_DRIVER_H
#define TEST_FUZZ_DRIVER_H

#include <stdlib.h>
#include <sys/mman.h>
#include "../unit/virtio_driver.h"
#include "fuzz.h"

static struct guest_memory memory;
static struct ring rings[QUEUES];
static u8 *ram;
static struct virtio_device *dev;
static struct test_transport transport;

static gpa_t take_gpa(struct fuzz *in);

static inline u32 take(struct fuzz *in, unsigned bytes)
{
	le32 value = 0;

	fuzz_bytes(in, &value, bytes);
	return le32toh(value);
}

/* The guest's memory, between pages that nobody may touch. */
static inline void make_memory(void)
{
	u8 *area = mmap(NULL, RAM_SIZE + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ram = area + 4096;
	if (area == MAP_FAILED || mprotect(ram, RAM_SIZE, PROT_READ | PROT_WRITE))
		abort();
	guest_memory_init(&memory);
	if (guest_memory_add_buffer(&memory, RING_BASE, ram, RAM_SIZE))
		abort();
}

static inline void raw_descriptor(struct fuzz *in)
{
	struct ring *r = &rings[take(in, 1) % QUEUES];
	u16 slot = take(in, 1) % QUEUE;

	ring_desc(r, slot, take_gpa(in), take(in, 3), take(in, 1) & 7, take(in, 1) % (QUEUE + 1));
}

static inline void write_memory(struct fuzz *in)
{
	u32 offset = take(in, 3) % RAM_SIZE, len = take(in, 1);

	for (u32 i = 0; i < len && offset + i < RAM_SIZE; i++)
		ram[offset + i] = take(in, 1);
}

static inline void touch_config(struct fuzz *in)
{
	u32 offset = take(in, 1), len = take(in, 1) % 9;
	u8 bytes[8] = { take(in, 1) };

	if (len & 1)
		virtio_config_write(dev, offset, bytes, len);
	else
		virtio_config_read(dev, offset, bytes, len);
}

/* Bits of what boot() takes for a kind of driver. */
#define LEGACY 1
#define BIG    2

static inline bool boot_legacy(u32 features, u8 kind)
{
	driver_big_endian = kind & BIG;
	virtio_set_legacy(dev);
	for (unsigned i = 0; i < QUEUES; i++)
		ring_init_legacy(&rings[i], ram, RING_BASE, RAM_SIZE, QUEUE,
				 RING_BASE + i * RING_ROOM, 4, driver_big_endian);
	return driver_start_legacy(dev, features & dev->device_features, rings, QUEUES, 4);
}

/* Those of the features that are offered, and all queues. */
static inline void boot(u64 features, u8 kind)
{
	static u64 offered;

	virtio_set_status(dev, 0);
	offered |= dev->device_features;
	dev->device_features = offered;
	dev->legacy = false;
	for (unsigned i = 0; i < QUEUES; i++)
		ring_init_at(&rings[i], ram, RING_BASE, RAM_SIZE, QUEUE, RING_BASE + i * RING_ROOM,
			     RING_BASE + (i + 1) * RING_ROOM);
	if (!(kind & LEGACY ? boot_legacy(features, kind)
			    : driver_start(dev, features & offered, rings, QUEUES)))
		abort();
}

static inline void kick(unsigned queue)
{
	driver_notify(dev, queue);
	test_run_loop(dev->queues[queue].loop);
}

/* The chain that broke a queue is not given back. */
static inline void check_given_back(void)
{
	for (unsigned i = 0; i < QUEUES; i++)
		if (ring_busy(&dev->queues[i].vq) > dev->queues[i].vq.state.broken)
			abort();
}

#endif
