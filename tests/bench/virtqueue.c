// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the device's side of a virtqueue costs: virtqueue [big] [CHAINS [BATCH]] has a driver that does
 * nothing but move its index offer CHAINS chains, each of two buffers to read and one to write, BATCH at a
 * time; they are popped, pushed and signalled as devices do. Prints nanoseconds and is meant for
 * valgrind --tool=callgrind as well, whose counts do not depend on what else a machine does.
 */
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "lkvm/virtio/virtqueue.h"

#define BASE	0x100000ULL
#define SIZE	256
#define BUFFERS 0x10000
#define LEN	512

static u8 ram[0x20000] __attribute__((aligned(4096)));

static struct {
	struct vring_desc desc[SIZE];
	struct {
		le16 flags, idx, ring[SIZE], event;
	} avail;
} *const driver = (void *)ram;

#define USED 0x2000

static u64 interrupts;

static void interrupt(struct virtqueue *vq)
{
	interrupts++;
}

static const struct virtqueue_ops ops = { .interrupt = interrupt };

static void lay_out(bool big)
{
	for (unsigned i = 0; i < SIZE; i++) {
		bool last = i % 4 == 2;
		u64 addr = BASE + BUFFERS + LEN * (i % 64);
		u16 flags = last ? VRING_DESC_F_WRITE : VRING_DESC_F_NEXT;

		driver->desc[i].addr = big ? htobe64(addr) : htole64(addr);
		driver->desc[i].len = big ? htobe32(LEN) : htole32(LEN);
		driver->desc[i].flags = big ? htobe16(flags) : htole16(flags);
		driver->desc[i].next = big ? htobe16(i + 1) : htole16(i + 1);
		driver->avail.ring[i] = big ? htobe16(4 * i % SIZE) : htole16(4 * i % SIZE);
	}
}

/* The device; false when the queue broke. */
static bool serve(struct virtqueue *vq, struct virtq_chain *chain)
{
	int ret;

	do {
		virtqueue_kick_off(vq);
		while ((ret = virtqueue_pop(vq, chain)) > 0)
			virtqueue_push(vq, chain->head, chain->in_len);
		virtqueue_signal(vq);
	} while (virtqueue_kick_on(vq));
	return ret == 0;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	bool big = argc > 1 && !strcmp(argv[1], "big");
	unsigned chains, batch;
	struct virtqueue vq = { .ops = &ops, .max_size = SIZE, .state.size = SIZE };
	struct guest_memory memory;
	struct iovec iov[8];
	struct virtq_chain chain = { .iov = iov, .iov_max = 8 };
	double begin;

	argc -= big;
	argv += big;
	chains = argc > 1 ? atoi(argv[1]) : 1 << 24;
	batch = argc > 2 ? atoi(argv[2]) : 16;
	guest_memory_init(&memory);
	if (!batch || batch > SIZE / 4 || guest_memory_add_buffer(&memory, BASE, ram, sizeof(ram)))
		return 1;
	lay_out(big);
	vq.state.desc = BASE;
	vq.state.driver = BASE + sizeof(driver->desc);
	vq.state.device_area = BASE + USED;
	vq.big_endian = big;
	if (virtqueue_enable(&vq, &memory, BIT(VIRTIO_RING_F_INDIRECT_DESC)))
		return 1;
	begin = now();
	for (unsigned done = 0; done < chains; done += batch) {
		u16 idx = done + batch;

		__atomic_store_n(&driver->avail.idx, big ? htobe16(idx) : htole16(idx),
				 __ATOMIC_RELEASE);
		if (!serve(&vq, &chain))
			return 1;
	}
	printf("%s-endian, %u at a time: %.1f ns a chain, %llu interrupts\n",
	       big ? "big" : "little", batch, (now() - begin) / chains,
	       (unsigned long long)interrupts);
	return 0;
}
