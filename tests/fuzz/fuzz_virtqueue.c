/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rings and descriptors are the input itself, in either byte order. What pop hands out must lie in guest memory (the sanitizer
 * watches the bytes around it), heads must be unique, and everything must end.
 */
#include <byteswap.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include "lkvm/virtio/virtqueue.h"
#include "fuzz.h"

#define BASE 0x1000ULL
#define RAM  0x1000

static void use(struct virtqueue *vq, struct fuzz *f, u8 *ram)
{
	struct iovec iov[20];
	struct virtq_chain chain = { .iov = iov, .iov_max = 1 + fuzz8(f) % ARRAY_SIZE(iov) };
	u16 held[64];
	unsigned nr_held = 0;
	u8 buffer[300];

	while (f->left) {
		switch (fuzz8(f) % 8) {
		case 0:
		case 1:
			if (virtqueue_pop(vq, &chain) <= 0)
				break;
			iov_read(iov, chain.nr_out, fuzz8(f), buffer, sizeof(buffer));
			if (chain.head >= vq->state.size ||
			    chain.nr_out + chain.nr_in > chain.iov_max)
				abort();
			for (unsigned i = 0; i < nr_held; i++)
				if (held[i] == chain.head)
					abort();
			if (nr_held == ARRAY_SIZE(held))
				return;
			held[nr_held++] = chain.head;
			memset(buffer, fuzz8(f), sizeof(buffer));
			iov_write(iov + chain.nr_out, chain.nr_in, 0, buffer, sizeof(buffer));
			break;
		case 2:
			if (nr_held)
				virtqueue_push(vq, held[--nr_held], fuzz8(f));
			else
				virtqueue_push(vq, fuzz16(f), 0);
			break;
		case 3:
			virtqueue_signal(vq);
			break;
		case 4:
			virtqueue_kick_off(vq);
			break;
		case 5:
			virtqueue_kick_on(vq);
			break;
		case 6: {
			u16 at = fuzz16(f) % RAM;

			fuzz_bytes(f, ram + at, MIN(RAM - at, 1 + fuzz8(f) % 16));
			break;
		}
		case 7:
			/* Newest first, as devices do. One that is not the newest, or nobody's, must harm nobody. */
			if (nr_held)
				virtqueue_unpop(vq, held[--nr_held]);
			else
				virtqueue_unpop(vq, fuzz16(f));
			break;
		}
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	struct guest_memory memory;
	struct virtqueue vq;
	u8 kind, *ram = malloc(RAM);

	guest_memory_init(&memory);
	if (guest_memory_add_buffer(&memory, BASE, ram, RAM))
		abort();
	memset(&vq, 0, sizeof(vq));
	vq.max_size = 64;
	kind = fuzz8(&f);
	vq.state.size = 1 << kind % 7;
	vq.big_endian = kind & 0x80;
	vq.state.desc = BASE + (fuzz8(&f) << 4);
	vq.state.driver = BASE + (fuzz8(&f) << 4);
	vq.state.device_area = BASE + (fuzz8(&f) << 4);
	memset(ram, 0, RAM);
	/* Descriptor addresses would hardly ever hit the page by chance. */
	for (unsigned i = 0; i < 64 && f.left; i++) {
		struct vring_desc d = { .addr = BASE + fuzz16(&f) % (RAM + 64),
					.len = fuzz8(&f) * (fuzz8(&f) % 20),
					.flags = fuzz8(&f) % 8,
					.next = fuzz8(&f) % 66 };

		if (vq.big_endian)
			d = (struct vring_desc){ bswap_64(d.addr), bswap_32(d.len),
						 bswap_16(d.flags), bswap_16(d.next) };
		memcpy(ram + i * sizeof(d), &d, sizeof(d));
	}
	fuzz_bytes(&f, ram + 64 * 16, 256);
	if (!virtqueue_enable(&vq, &memory,
			      fuzz8(&f) & 1 ? BIT(VIRTIO_RING_F_EVENT_IDX) |
						      BIT(VIRTIO_RING_F_INDIRECT_DESC)
					    : BIT(VIRTIO_RING_F_INDIRECT_DESC)))
		use(&vq, &f, ram);
	virtqueue_disable(&vq);
	free(ram);
	return 0;
}
