/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What virtio drivers made from the fuzzer's bytes have in common. The includer defines RAM_SIZE, QUEUE (a
 * ring's size), QUEUES and RING_ROOM, and gives take_gpa(): an address for a buffer.
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

#endif
