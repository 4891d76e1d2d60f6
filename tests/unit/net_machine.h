/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-net in front of a back end made of arrays, with its driver. */
#ifndef TEST_NET_MACHINE_H
#define TEST_NET_MACHINE_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "test.h"
#include "../../virtio/net.h"
#include "lkvm/vm/vm.h"
#include "virtio_driver.h"

#define RAM_SIZE   MIB(8)
#define RX	   0
#define TX	   1
#define ALL_QUEUES 5

/* ---- the back end ---- */

struct fake_frame {
	size_t len;
	u8 data[NET_HDR_LEN + NET_MAX_FRAME + 64];
};

struct fake {
	struct net_backend backend;
	struct fake_frame sent[400];
	unsigned nr_sent;
	struct fake_frame *waiting[400];
	unsigned first, nr_waiting;
	int transmit_error;
	unsigned accept; /* frames before EAGAIN */
	bool incoming[2], writable[2];
	u64 offload;
	int offload_error, pairs_error;
	unsigned set_pairs, flushes;
	unsigned last_nr_iov;
	bool destroyed;
};

static inline struct fake *to_fake(struct net_backend *backend)
{
	return CONTAINER_OF(backend, struct fake, backend);
}

static inline int fake_transmit(struct net_backend *backend, unsigned pair, const struct iovec *iov,
				unsigned nr, size_t len)
{
	struct fake *fake = to_fake(backend);
	struct fake_frame *frame = &fake->sent[fake->nr_sent];

	if (fake->transmit_error)
		return fake->transmit_error;
	if (!fake->accept)
		return -EAGAIN;
	fake->accept--;
	assert_true(fake->nr_sent < ARRAY_SIZE(fake->sent));
	assert_true(len <= sizeof(frame->data));
	frame->len = iov_read(iov, nr, 0, frame->data, sizeof(frame->data));
	assert_int_equal(frame->len, len);
	fake->nr_sent++;
	return 0;
}

static inline void fake_flush(struct net_backend *backend, unsigned pair)
{
	to_fake(backend)->flushes++;
}

static inline ssize_t fake_receive(struct net_backend *backend, unsigned pair,
				   const struct iovec *iov, unsigned nr)
{
	struct fake *fake = to_fake(backend);
	struct fake_frame *frame;
	size_t len;

	fake->last_nr_iov = nr;
	if (fake->first == fake->nr_waiting)
		return 0;
	frame = fake->waiting[fake->first++];
	iov_write(iov, nr, 0, frame->data, frame->len);
	len = frame->len;
	free(frame);
	return len;
}

static inline void fake_watch(struct net_backend *backend, unsigned pair, bool incoming,
			      bool writable)
{
	to_fake(backend)->incoming[pair] = incoming;
	to_fake(backend)->writable[pair] = writable;
}

static inline int fake_set_offload(struct net_backend *backend, u64 features)
{
	if (to_fake(backend)->offload_error)
		return to_fake(backend)->offload_error;
	to_fake(backend)->offload = features;
	return 0;
}

static inline int fake_set_pairs(struct net_backend *backend, unsigned pairs)
{
	if (to_fake(backend)->pairs_error)
		return to_fake(backend)->pairs_error;
	to_fake(backend)->set_pairs = pairs;
	return 0;
}

static inline int fake_start(struct net_backend *backend, struct loop *const *loops)
{
	return 0;
}

static inline void fake_stop(struct net_backend *backend)
{
}

static inline void fake_destroy(struct net_backend *backend)
{
	struct fake *fake = to_fake(backend);

	while (fake->first < fake->nr_waiting)
		free(fake->waiting[fake->first++]);
	fake->destroyed = true;
}

static const struct net_backend_ops fake_ops = {
	.name = "fake",
	.transmit = fake_transmit,
	.flush = fake_flush,
	.receive = fake_receive,
	.watch = fake_watch,
	.set_offload = fake_set_offload,
	.set_pairs = fake_set_pairs,
	.start = fake_start,
	.stop = fake_stop,
	.destroy = fake_destroy,
};

/* A frame of `len` bytes behind a header arrives. */
static inline void arrives(struct fake *fake, size_t len, u8 seed)
{
	struct fake_frame *frame = malloc(sizeof(*frame));

	assert_non_null(frame);
	frame->len = NET_HDR_LEN + len;
	memset(frame->data, 0, NET_HDR_LEN);
	for (size_t i = 0; i < len; i++)
		frame->data[NET_HDR_LEN + i] = seed + i * 7;
	fake->waiting[fake->nr_waiting++] = frame;
}

/* ---- the machine ---- */

struct machine {
	struct vm vm; /* its memory */
	u8 *ram;
	struct fake *fake;
	struct virtio_net *net;
	struct test_transport transport;
	struct ring ring[ALL_QUEUES];
	unsigned ctrl;
};

static const u8 the_mac[6] = { 0x02, 1, 2, 3, 4, 5 };

static inline void bring_up(struct machine *m, u64 features, u16 rx_size)
{
	unsigned nr = features & BIT(VIRTIO_NET_F_MQ) ? 5 : 3;

	m->ctrl = nr - 1;
	for (unsigned i = 0; i < nr; i++) {
		u16 size = i == RX ? rx_size : i == m->ctrl ? 64 : 256;

		ring_init_at(&m->ring[i], m->ram, RING_BASE, RAM_SIZE, size, RING_BASE + i * MIB(1),
			     RING_BASE + (i + 1) * MIB(1));
	}
	assert_true(driver_start(&m->net->dev, features | BIT(VIRTIO_NET_F_CTRL_VQ), m->ring, nr));
	test_transport_init(&m->transport, &m->net->dev);
}

static inline int setup(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));

	m->ram = calloc(1, RAM_SIZE);
	guest_memory_init(&m->vm.memory);
	assert_int_equal(guest_memory_add_buffer(&m->vm.memory, RING_BASE, m->ram, RAM_SIZE), 0);
	m->fake = calloc(1, sizeof(*m->fake));
	m->fake->backend.ops = &fake_ops;
	m->fake->backend.pairs = 2;
	m->fake->backend.mtu = 1500;
	m->fake->accept = 10000;
	m->fake->backend.features = BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
				    BIT(VIRTIO_NET_F_GUEST_TSO4);
	m->net = net_device_new(&m->vm, &m->fake->backend, the_mac, 0);
	assert_non_null(m->net);
	test_transport_init(&m->transport, &m->net->dev);
	*state = m;
	return 0;
}

static inline int teardown(void **state)
{
	struct machine *m = *state;
	struct device *device = &m->net->dev.device;

	device->ops->destroy(device);
	assert_true(m->fake->destroyed);
	free(m->fake);
	free(m->ram);
	free(m);
	return 0;
}

static inline void stop_loop(void *arg)
{
	loop_stop(arg);
}

/* One round of a pair's loop: kicks that were given are taken. */
static inline void turn(struct machine *m, unsigned pair)
{
	struct loop *loop = m->net->pairs[pair].loop;

	assert_int_equal(loop_post(loop, stop_loop, loop), 0);
	assert_int_equal(loop_run(loop), 0);
}

static inline void kick(struct machine *m, unsigned queue)
{
	driver_notify(&m->net->dev, queue);
	turn(m, queue == m->ctrl ? 0 : queue / 2);
}

static inline bool broken(struct machine *m)
{
	return virtio_get_status(&m->net->dev) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

/* Offers one receive buffer; returns its address. */
static inline gpa_t offer_rx(struct machine *m, u32 len)
{
	struct ring_buffer buffer = { ring_alloc(&m->ring[RX], len), len, true };

	ring_add(&m->ring[RX], &buffer, 1);
	return buffer.gpa;
}

static inline void send(struct machine *m, u32 header, u32 len, u8 seed)
{
	struct ring *r = &m->ring[TX];
	struct ring_buffer buffers[2] = {
		{ ring_alloc(r, header ?: 1), header, false },
		{ ring_alloc(r, len ?: 1), len, false },
	};

	memset(ring_ptr(r, buffers[0].gpa, header), 0, header);
	memset(ring_ptr(r, buffers[1].gpa, len), seed, len);
	ring_add(r, buffers, len ? 2 : 1);
}

static inline void check_frame(const u8 *data, size_t len, u8 seed, size_t from)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(data[i], (u8)(seed + (from + i) * 7));
}

static inline u16 num_buffers(struct machine *m, gpa_t gpa)
{
	struct virtio_net_hdr_v1 *header = ring_ptr(&m->ring[RX], gpa, NET_HDR_LEN);

	return le16toh(header->num_buffers);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
