/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-net in front of a back end made of arrays, behind a transport that counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../virtio/net.h"
#include "ring.h"

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

static struct fake *to_fake(struct net_backend *backend)
{
	return CONTAINER_OF(backend, struct fake, backend);
}

static int fake_transmit(struct net_backend *backend, unsigned pair, const struct iovec *iov,
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

static void fake_flush(struct net_backend *backend, unsigned pair)
{
	to_fake(backend)->flushes++;
}

static ssize_t fake_receive(struct net_backend *backend, unsigned pair, const struct iovec *iov,
			    unsigned nr)
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

static void fake_watch(struct net_backend *backend, unsigned pair, bool incoming, bool writable)
{
	to_fake(backend)->incoming[pair] = incoming;
	to_fake(backend)->writable[pair] = writable;
}

static int fake_set_offload(struct net_backend *backend, u64 features)
{
	if (to_fake(backend)->offload_error)
		return to_fake(backend)->offload_error;
	to_fake(backend)->offload = features;
	return 0;
}

static int fake_set_pairs(struct net_backend *backend, unsigned pairs)
{
	if (to_fake(backend)->pairs_error)
		return to_fake(backend)->pairs_error;
	to_fake(backend)->set_pairs = pairs;
	return 0;
}

static int fake_start(struct net_backend *backend, struct loop *const *loops)
{
	return 0;
}

static void fake_stop(struct net_backend *backend)
{
}

static void fake_destroy(struct net_backend *backend)
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
static void arrives(struct fake *fake, size_t len, u8 seed)
{
	struct fake_frame *frame = malloc(sizeof(*frame));

	assert_non_null(frame);
	frame->len = NET_HDR_LEN + len;
	memset(frame->data, 0, NET_HDR_LEN);
	for (size_t i = 0; i < len; i++)
		frame->data[NET_HDR_LEN + i] = seed + i * 7;
	fake->waiting[fake->nr_waiting++] = frame;
}

/* ---- the transport ---- */

static unsigned signals[8], config_signals;

static void count_queue(struct virtio_transport *t, unsigned index)
{
	signals[index]++;
}

static void count_config(struct virtio_transport *t)
{
	config_signals++;
}

static void nothing(struct virtio_transport *t)
{
}

static const struct virtio_transport_ops transport_ops = {
	.signal_queue = count_queue,
	.signal_config = count_config,
	.reset = nothing,
	.destroy = nothing,
};

/* ---- the machine ---- */

struct machine {
	struct guest_memory memory;
	u8 *ram;
	struct fake *fake;
	struct virtio_net *net;
	struct virtio_transport transport;
	struct ring ring[ALL_QUEUES];
	unsigned ctrl;
};

static const u8 the_mac[6] = { 0x02, 1, 2, 3, 4, 5 };

static void bring_up(struct machine *m, u64 features, u16 rx_size)
{
	struct virtio_device *dev = &m->net->dev;
	bool mq = features & BIT(VIRTIO_NET_F_MQ);
	unsigned nr = mq ? 5 : 3;

	features |= BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_NET_F_CTRL_VQ);
	m->ctrl = nr - 1;
	virtio_set_status(dev, 1);
	virtio_set_status(dev, 3);
	virtio_set_driver_features(dev, 0, features);
	virtio_set_driver_features(dev, 1, features >> 32);
	virtio_set_status(dev, 11);
	assert_int_equal(virtio_get_status(dev), 11);
	for (unsigned i = 0; i < nr; i++) {
		struct ring *r = &m->ring[i];
		u16 size = i == RX ? rx_size : i == m->ctrl ? 64 : 256;

		ring_init_at(r, m->ram, RING_BASE, RAM_SIZE, size, RING_BASE + i * MIB(1),
			     RING_BASE + (i + 1) * MIB(1));
		virtio_queue_set_size(dev, i, size);
		virtio_queue_set_address(dev, i, RING_DESC, false, r->desc_gpa);
		virtio_queue_set_address(dev, i, RING_DRIVER, false, r->avail_gpa);
		virtio_queue_set_address(dev, i, RING_DEVICE, false, r->used_gpa);
		virtio_queue_set_enabled(dev, i, true);
	}
	virtio_set_status(dev, 15);
	assert_int_equal(virtio_get_status(dev), 15);
	memset(signals, 0, sizeof(signals));
	config_signals = 0;
}

static int setup(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));

	m->ram = calloc(1, RAM_SIZE);
	guest_memory_init(&m->memory);
	assert_int_equal(guest_memory_add_buffer(&m->memory, RING_BASE, m->ram, RAM_SIZE), 0);
	m->fake = calloc(1, sizeof(*m->fake));
	m->fake->backend.ops = &fake_ops;
	m->fake->backend.pairs = 2;
	m->fake->backend.mtu = 1500;
	m->fake->accept = 10000;
	m->fake->backend.features = BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
				    BIT(VIRTIO_NET_F_GUEST_TSO4);
	m->net = net_device_new(NULL, &m->memory, &m->fake->backend, the_mac, 0);
	assert_non_null(m->net);
	m->transport.ops = &transport_ops;
	m->transport.dev = &m->net->dev;
	m->net->dev.transport = &m->transport;
	*state = m;
	return 0;
}

static int teardown(void **state)
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

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

/* One round of a pair's loop: kicks that were given are taken. */
static void turn(struct machine *m, unsigned pair)
{
	struct loop *loop = m->net->pairs[pair].loop;

	assert_int_equal(loop_post(loop, stop_loop, loop), 0);
	assert_int_equal(loop_run(loop), 0);
}

static void kick(struct machine *m, unsigned queue)
{
	virtio_queue_notified(&m->net->dev, queue);
	turn(m, queue == m->ctrl ? 0 : queue / 2);
}

static bool broken(struct machine *m)
{
	return virtio_get_status(&m->net->dev) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

/* Offers one receive buffer; returns its address. */
static gpa_t offer_rx(struct machine *m, u32 len)
{
	struct ring_buffer buffer = { ring_alloc(&m->ring[RX], len), len, true };

	ring_add(&m->ring[RX], &buffer, 1);
	return buffer.gpa;
}

static void send(struct machine *m, u32 header, u32 len, u8 seed)
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

static void check_frame(const u8 *data, size_t len, u8 seed, size_t from)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(data[i], (u8)(seed + (from + i) * 7));
}

static u16 num_buffers(struct machine *m, gpa_t gpa)
{
	struct virtio_net_hdr_v1 *header = ring_ptr(&m->ring[RX], gpa, NET_HDR_LEN);

	return le16toh(header->num_buffers);
}

/* ---- configuration ---- */

static void config_space(void **state)
{
	struct machine *m = *state;
	struct virtio_net_config config = {};

	virtio_config_read(&m->net->dev, 0, (u8 *)&config, 12);
	assert_memory_equal(config.mac, the_mac, 6);
	assert_int_equal(le16toh(config.status), VIRTIO_NET_S_LINK_UP);
	assert_int_equal(le16toh(config.max_virtqueue_pairs), 2);
	assert_int_equal(le16toh(config.mtu), 1500);
	assert_true(m->net->dev.device_features & BIT(VIRTIO_NET_F_MQ));
	assert_true(m->net->dev.device_features & BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS));
	/* Only what the back end has. */
	assert_false(m->net->dev.device_features & BIT(VIRTIO_NET_F_HOST_TSO4));
	assert_false(m->net->dev.device_features & BIT(VIRTIO_NET_F_MTU));
	bring_up(m, 0, 256);
	m->fake->backend.link_changed(m->fake->backend.opaque, false);
	virtio_config_read(&m->net->dev, 6, (u8 *)&config.status, 2);
	assert_int_equal(config.status, 0);
	assert_int_equal(config_signals, 1);
}

static void default_macs(void **state)
{
	struct net_config config = { .fd = -1 };
	u8 a[6], b[6];

	net_mac(&config, "guest-1", 0, a);
	net_mac(&config, "guest-1", 0, b);
	assert_memory_equal(a, b, 6);
	assert_int_equal(a[0] & 3, 2);
	net_mac(&config, "guest-1", 1, b);
	assert_memory_not_equal(a, b, 6);
	assert_int_equal(b[0] & 3, 2);
	net_mac(&config, "guest-2", 0, b);
	assert_memory_not_equal(a, b, 6);
	memcpy(config.mac, the_mac, 6);
	net_mac(&config, "guest-1", 0, a);
	assert_memory_equal(a, the_mac, 6);
}

/* ---- transmit ---- */

static void tx_batch(void **state)
{
	struct machine *m = *state;
	u32 id, len = 0;

	bring_up(m, 0, 256);
	for (unsigned i = 0; i < 5; i++)
		send(m, NET_HDR_LEN, 60 + i, i);
	kick(m, TX);
	assert_int_equal(m->fake->nr_sent, 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(m->fake->sent[i].len, NET_HDR_LEN + 60 + i);
		assert_int_equal(m->fake->sent[i].data[NET_HDR_LEN + 59], i);
		assert_true(ring_used(&m->ring[TX], &id, &len));
		assert_int_equal(len, 0);
	}
	assert_false(ring_used(&m->ring[TX], &id, &len));
	assert_int_equal(signals[TX], 1);
	assert_int_equal(m->fake->flushes, 1);
}

static void tx_header_split(void **state)
{
	struct machine *m = *state;
	struct ring *r = &m->ring[TX];
	gpa_t at;

	bring_up(m, 0, 256);
	at = ring_alloc(r, 100);
	memset(ring_ptr(r, at, 100), 0x55, 100);
	/* The header in pieces, and the frame in the same buffer as its end. */
	ring_add(r,
		 (struct ring_buffer[]){
			 { at, 3, false }, { at + 3, 1, false }, { at + 4, 72, false } },
		 3);
	kick(m, TX);
	assert_int_equal(m->fake->nr_sent, 1);
	assert_int_equal(m->fake->sent[0].len, 76);
}

static void tx_waits_for_room(void **state)
{
	struct machine *m = *state;

	bring_up(m, 0, 256);
	m->fake->accept = 2;
	for (unsigned i = 0; i < 4; i++)
		send(m, NET_HDR_LEN, 64, i);
	kick(m, TX);
	assert_int_equal(m->fake->nr_sent, 2);
	assert_true(m->fake->writable[0]);
	/* A kick meanwhile does not push more. */
	kick(m, TX);
	assert_int_equal(m->fake->nr_sent, 2);
	assert_int_equal(le16toh(m->ring[TX].used->idx), 2);
	m->fake->accept = 100;
	m->fake->backend.writable(m->fake->backend.opaque, 0);
	assert_false(m->fake->writable[0]);
	assert_int_equal(m->fake->nr_sent, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(m->fake->sent[i].data[NET_HDR_LEN], i);
	assert_int_equal(le16toh(m->ring[TX].used->idx), 4);
}

static void tx_refused_frames_are_done(void **state)
{
	struct machine *m = *state;

	bring_up(m, 0, 256);
	m->fake->transmit_error = -EINVAL;
	send(m, NET_HDR_LEN, 64, 1);
	kick(m, TX);
	m->fake->transmit_error = 0;
	send(m, NET_HDR_LEN, 0, 1);		    /* nothing but a header */
	send(m, NET_HDR_LEN, NET_MAX_FRAME + 1, 1); /* more than a frame can be */
	send(m, NET_HDR_LEN, NET_MAX_FRAME, 7);
	kick(m, TX);
	assert_int_equal(le16toh(m->ring[TX].used->idx), 4);
	assert_int_equal(m->fake->nr_sent, 1);
	assert_int_equal(m->fake->sent[0].len, NET_HDR_LEN + NET_MAX_FRAME);
	assert_int_equal(m->net->pairs[0].tx_dropped, 3);
	assert_false(broken(m));
}

static void tx_without_header(void **state)
{
	struct machine *m = *state;

	bring_up(m, 0, 256);
	send(m, NET_HDR_LEN - 1, 0, 1);
	kick(m, TX);
	assert_true(broken(m));
	assert_int_equal(m->fake->nr_sent, 0);
}

static void tx_writable_part(void **state)
{
	struct machine *m = *state;
	gpa_t at;

	bring_up(m, 0, 256);
	at = ring_alloc(&m->ring[TX], 200);
	ring_add(&m->ring[TX], (struct ring_buffer[]){ { at, 80, false }, { at + 80, 80, true } },
		 2);
	kick(m, TX);
	assert_true(broken(m));
	/* The other direction rests too. */
	offer_rx(m, 2000);
	arrives(m->fake, 64, 1);
	m->fake->backend.incoming(m->fake->backend.opaque, 0);
	assert_int_equal(le16toh(m->ring[RX].used->idx), 0);
	assert_false(m->fake->incoming[0]);
}

/* One direction gets at most a batch before the loop does something else. */
static void tx_bounded(void **state)
{
	struct machine *m = *state;
	struct ring *r = &m->ring[TX];
	gpa_t at;

	bring_up(m, 0, 256);
	at = ring_alloc(r, 100);
	for (unsigned i = 0; i < 256; i++)
		ring_add(r, &(struct ring_buffer){ at, 100, false }, 1);
	virtio_queue_notified(&m->net->dev, TX);
	turn(m, 0);
	assert_int_equal(m->fake->nr_sent, NET_BATCH);
	for (unsigned i = 0; i < 20; i++)
		ring_add(r, &(struct ring_buffer){ at, 100, false }, 1);
	/* No kick: the device comes back by itself. */
	turn(m, 0);
	assert_int_equal(m->fake->nr_sent, NET_BATCH + 20);
}

/* ---- receive ---- */

static void rx_plain(void **state)
{
	struct machine *m = *state;
	u32 id, len = 0;
	gpa_t first, second;

	bring_up(m, 0, 256);
	first = offer_rx(m, 1600);
	second = offer_rx(m, 1600);
	kick(m, RX);
	assert_true(m->fake->incoming[0]);
	arrives(m->fake, 60, 1);
	arrives(m->fake, 1514, 2);
	m->fake->backend.incoming(m->fake->backend.opaque, 0);
	assert_true(ring_used(&m->ring[RX], &id, &len));
	assert_int_equal(len, NET_HDR_LEN + 60);
	assert_int_equal(num_buffers(m, first), 1);
	check_frame(ring_ptr(&m->ring[RX], first + NET_HDR_LEN, 60), 60, 1, 0);
	assert_true(ring_used(&m->ring[RX], &id, &len));
	assert_int_equal(len, NET_HDR_LEN + 1514);
	assert_int_equal(num_buffers(m, second), 1);
	check_frame(ring_ptr(&m->ring[RX], second + NET_HDR_LEN, 1514), 1514, 2, 0);
	assert_int_equal(signals[RX], 1);
	/* No buffer left: the back end keeps what comes until there is one. */
	assert_false(m->fake->incoming[0]);
	arrives(m->fake, 99, 3);
	offer_rx(m, 1600);
	kick(m, RX);
	assert_true(ring_used(&m->ring[RX], &id, &len));
	assert_int_equal(len, NET_HDR_LEN + 99);
}

static void rx_too_long(void **state)
{
	struct machine *m = *state;
	u32 id, len = 0;

	bring_up(m, 0, 256);
	offer_rx(m, 200);
	kick(m, RX);
	arrives(m->fake, 300, 1);
	arrives(m->fake, 100, 2);
	m->fake->backend.incoming(m->fake->backend.opaque, 0);
	assert_true(ring_used(&m->ring[RX], &id, &len));
	assert_int_equal(len, NET_HDR_LEN + 100);
	assert_int_equal(m->net->pairs[0].rx_dropped, 1);
	assert_false(broken(m));
}

static void rx_merged(void **state)
{
	struct machine *m = *state;
	gpa_t at[64];
	u32 id, len = 0, total = 0;
	size_t frame = 5000;

	bring_up(m,
		 BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
			 BIT(VIRTIO_NET_F_GUEST_TSO4),
		 256);
	for (unsigned i = 0; i < 64; i++)
		at[i] = offer_rx(m, 1536);
	kick(m, RX);
	arrives(m->fake, frame, 9);
	arrives(m->fake, 60, 10);
	m->fake->backend.incoming(m->fake->backend.opaque, 0);
	assert_int_equal(num_buffers(m, at[0]), 4);
	for (unsigned i = 0; i < 4; i++) {
		u32 from = i ? 0 : NET_HDR_LEN;

		assert_true(ring_used(&m->ring[RX], &id, &len));
		assert_int_equal(len, MIN((size_t)1536, NET_HDR_LEN + frame - total));
		check_frame(ring_ptr(&m->ring[RX], at[i] + from, len - from), len - from, 9,
			    total + from - NET_HDR_LEN);
		total += len;
	}
	assert_int_equal(total, NET_HDR_LEN + frame);
	assert_true(ring_used(&m->ring[RX], &id, &len));
	assert_int_equal(len, NET_HDR_LEN + 60);
	assert_int_equal(num_buffers(m, at[4]), 1);
	check_frame(ring_ptr(&m->ring[RX], at[4] + NET_HDR_LEN, 60), 60, 10, 0);
	assert_false(ring_used(&m->ring[RX], &id, &len));
}

/* The largest frame, many times over, so that the window wraps in every array. */
static void rx_merged_largest(void **state)
{
	struct machine *m = *state;
	unsigned used = 0;

	bring_up(m,
		 BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
			 BIT(VIRTIO_NET_F_GUEST_TSO4),
		 256);
	for (unsigned round = 0; round < 40; round++) {
		u32 id, len = 0, total = 0;

		m->ring[RX].heap = RING_BASE + KIB(64);
		for (unsigned i = round ? 209 : 0; i < 256; i++)
			offer_rx(m, 1400);
		kick(m, RX);
		arrives(m->fake, NET_MAX_FRAME, round);
		m->fake->backend.incoming(m->fake->backend.opaque, 0);
		used = 0;
		while (ring_used(&m->ring[RX], &id, &len)) {
			total += len;
			used++;
		}
		assert_int_equal(total, NET_HDR_LEN + NET_MAX_FRAME);
		/* What it took is what the next round gives back. */
		assert_int_equal(used, 47);
	}
	assert_int_equal(m->net->pairs[0].rx_frames, 40);
	assert_int_equal(m->net->pairs[0].rx_dropped, 0);
}

/* The link's MTU was raised behind our back: the end of a frame is copied. */
static void rx_merged_overflow(void **state)
{
	struct machine *m = *state;
	gpa_t at[4];
	u32 id, len = 0;

	bring_up(m, BIT(VIRTIO_NET_F_MRG_RXBUF), 256);
	for (unsigned i = 0; i < 4; i++)
		at[i] = offer_rx(m, 1600);
	kick(m, RX);
	assert_int_equal(m->net->pairs[0].nr_chains, 1);
	arrives(m->fake, 3500, 5);
	m->fake->backend.incoming(m->fake->backend.opaque, 0);
	assert_int_equal(num_buffers(m, at[0]), 3);
	check_frame(ring_ptr(&m->ring[RX], at[0] + NET_HDR_LEN, 1588), 1588, 5, 0);
	check_frame(ring_ptr(&m->ring[RX], at[1], 1600), 1600, 5, 1588);
	check_frame(ring_ptr(&m->ring[RX], at[2], 312), 312, 5, 3188);
	for (unsigned i = 0; i < 3; i++)
		assert_true(ring_used(&m->ring[RX], &id, &len));
	assert_int_equal(len, 312);
	/* And one that does not fit at all is dropped; its buffers stay. */
	arrives(m->fake, 6000, 5);
	arrives(m->fake, 80, 6);
	m->fake->backend.incoming(m->fake->backend.opaque, 0);
	assert_int_equal(m->net->pairs[0].rx_dropped, 1);
	assert_true(ring_used(&m->ring[RX], &id, &len));
	assert_int_equal(len, NET_HDR_LEN + 80);
	assert_int_equal(num_buffers(m, at[3]), 1);
}

/* A driver with fewer buffers than a largest frame needs is waited for, but not for ever. */
static void rx_short_driver(void **state)
{
	struct machine *m = *state;
	u32 id, len = 0;

	bring_up(m,
		 BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
			 BIT(VIRTIO_NET_F_GUEST_TSO4),
		 256);
	offer_rx(m, 1600);
	offer_rx(m, 1600);
	kick(m, RX);
	arrives(m->fake, 2000, 1);
	arrives(m->fake, 60000, 2);
	arrives(m->fake, 70, 3);
	assert_false(m->fake->incoming[0]);
	assert_true(m->net->pairs[0].short_timer.deadline);
	m->net->pairs[0].short_timer.expired(&m->net->pairs[0].short_timer);
	assert_true(ring_used(&m->ring[RX], &id, &len));
	assert_true(ring_used(&m->ring[RX], &id, &len));
	assert_int_equal(len, NET_HDR_LEN + 2000 - 1600);
	offer_rx(m, 1600);
	kick(m, RX);
	assert_true(ring_used(&m->ring[RX], &id, &len));
	assert_int_equal(len, NET_HDR_LEN + 70);
	assert_int_equal(m->net->pairs[0].rx_dropped, 1);
}

/* So many tiny buffers that no largest frame can be held ready. */
static void rx_tiny_buffers(void **state)
{
	struct machine *m = *state;
	u32 id, len = 0, n = 0, total = 0;

	bring_up(m, BIT(VIRTIO_NET_F_MRG_RXBUF), 256);
	for (unsigned i = 0; i < 256; i++)
		offer_rx(m, 13);
	kick(m, RX);
	arrives(m->fake, 1000, 1);
	arrives(m->fake, 9000, 1);
	m->fake->backend.incoming(m->fake->backend.opaque, 0);
	while (ring_used(&m->ring[RX], &id, &len)) {
		n++;
		total += len;
	}
	assert_int_equal(n, (1012 + 12) / 13);
	assert_int_equal(total, 1012);
	assert_int_equal(m->net->pairs[0].rx_dropped, 1);
}

static void rx_bad_buffers(void **state)
{
	struct machine *m = *state;

	bring_up(m, 0, 256);
	offer_rx(m, NET_HDR_LEN - 1);
	kick(m, RX);
	assert_true(broken(m));
	virtio_set_status(&m->net->dev, 0);
	bring_up(m, BIT(VIRTIO_NET_F_MRG_RXBUF), 256);
	assert_false(broken(m));
	ring_add(&m->ring[RX], &(struct ring_buffer){ ring_alloc(&m->ring[RX], 2000), 2000, false },
		 1);
	kick(m, RX);
	assert_true(broken(m));
	/* It goes on after a reset. */
	virtio_set_status(&m->net->dev, 0);
	bring_up(m, 0, 256);
	offer_rx(m, 2000);
	kick(m, RX);
	arrives(m->fake, 64, 1);
	m->fake->backend.incoming(m->fake->backend.opaque, 0);
	assert_int_equal(le16toh(m->ring[RX].used->idx), 1);
}

static void rx_bounded(void **state)
{
	struct machine *m = *state;

	bring_up(m, 0, 256);
	for (unsigned i = 0; i < 256; i++)
		offer_rx(m, 128);
	for (unsigned i = 0; i < 300; i++)
		arrives(m->fake, 64, i);
	kick(m, RX);
	assert_int_equal(m->fake->first, NET_BATCH);
}

/* ---- life ---- */

static void pause_loses_nothing(void **state)
{
	struct machine *m = *state;
	struct device *device = &m->net->dev.device;
	u32 id, len = 0;

	bring_up(m, BIT(VIRTIO_NET_F_MRG_RXBUF), 256);
	for (unsigned i = 0; i < 8; i++)
		offer_rx(m, 1600);
	kick(m, RX);
	m->fake->accept = 1;
	send(m, NET_HDR_LEN, 60, 1);
	send(m, NET_HDR_LEN, 60, 2);
	kick(m, TX);
	assert_int_equal(m->fake->nr_sent, 1);
	device->ops->quiesce(device);
	assert_false(m->fake->incoming[0]);
	assert_false(m->fake->writable[0]);
	arrives(m->fake, 60, 1);
	/* Even a back end that calls once more by mistake moves nothing. */
	m->fake->backend.incoming(m->fake->backend.opaque, 0);
	assert_int_equal(le16toh(m->ring[RX].used->idx), 0);
	m->fake->accept = 10;
	device->ops->resume(device);
	turn(m, 0);
	assert_true(ring_used(&m->ring[RX], &id, &len));
	assert_int_equal(len, NET_HDR_LEN + 60);
	assert_int_equal(m->fake->nr_sent, 2);
	assert_int_equal(m->fake->sent[1].data[NET_HDR_LEN], 2);
	assert_true(m->fake->incoming[0]);
}

static void reset_forgets(void **state)
{
	struct machine *m = *state;
	u32 id, len = 0;

	bring_up(m, BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_GUEST_CSUM), 256);
	assert_int_equal(m->fake->offload, BIT(VIRTIO_NET_F_GUEST_CSUM));
	for (unsigned i = 0; i < 8; i++)
		offer_rx(m, 100);
	kick(m, RX);
	assert_int_equal(m->net->pairs[0].nr_chains, 8);
	virtio_set_status(&m->net->dev, 0);
	assert_int_equal(m->fake->offload, 0);
	assert_int_equal(m->fake->set_pairs, 1);
	assert_int_equal(m->net->pairs[0].nr_chains, 0);
	assert_false(m->fake->incoming[0]);
	bring_up(m, 0, 128);
	offer_rx(m, 1600);
	kick(m, RX);
	arrives(m->fake, 60, 1);
	m->fake->backend.incoming(m->fake->backend.opaque, 0);
	assert_true(ring_used(&m->ring[RX], &id, &len));
	assert_int_equal(len, NET_HDR_LEN + 60);
}

/* A queue is taken away alone and given back (RING_RESET). */
static void queue_reset_forgets(void **state)
{
	struct machine *m = *state;
	struct virtio_device *dev = &m->net->dev;
	struct ring *r = &m->ring[RX];

	bring_up(m, BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_F_RING_RESET), 256);
	for (unsigned i = 0; i < 8; i++)
		offer_rx(m, 100);
	kick(m, RX);
	virtio_queue_reset(dev, RX);
	assert_int_equal(m->net->pairs[0].nr_chains, 0);
	turn(m, 0);
	ring_init_at(r, m->ram, RING_BASE, RAM_SIZE, 64, RING_BASE, RING_BASE + MIB(1));
	virtio_queue_set_size(dev, RX, 64);
	virtio_queue_set_address(dev, RX, RING_DESC, false, r->desc_gpa);
	virtio_queue_set_address(dev, RX, RING_DRIVER, false, r->avail_gpa);
	virtio_queue_set_address(dev, RX, RING_DEVICE, false, r->used_gpa);
	virtio_queue_set_enabled(dev, RX, true);
	offer_rx(m, 1600);
	kick(m, RX);
	arrives(m->fake, 60, 1);
	m->fake->backend.incoming(m->fake->backend.opaque, 0);
	assert_int_equal(le16toh(r->used->idx), 1);
}

/* ---- control queue ---- */

static int control(struct machine *m, const void *command, u32 len)
{
	struct ring *r = &m->ring[m->ctrl];
	gpa_t at = ring_alloc(r, len + 1);
	u32 written = 0;
	struct ring_buffer buffers[3] = {
		{ at, MIN(len, 2u), false },
		{ at + 2, len > 2 ? len - 2 : 0, false },
		{ at + len, 1, true },
	};

	memcpy(ring_ptr(r, at, len), command, len);
	*(u8 *)ring_ptr(r, at + len, 1) = 0xee;
	if (len > 2)
		ring_add(r, buffers, 3);
	else
		ring_add(r, (struct ring_buffer[]){ buffers[0], buffers[2] }, 2);
	kick(m, m->ctrl);
	assert_true(ring_used(r, NULL, &written));
	assert_int_equal(written, 1);
	return *(u8 *)ring_ptr(r, at + len, 1);
}

#define CONTROL(m, ...) control(m, (u8[]){ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ }))

static void control_commands(void **state)
{
	struct machine *m = *state;
	u8 mac[6];

	bring_up(m,
		 BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_CTRL_MAC_ADDR) |
			 BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) |
			 BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS),
		 256);
	assert_int_equal(CONTROL(m, 0, 0, 1), VIRTIO_NET_OK);
	assert_int_equal(CONTROL(m, 0, 1, 0), VIRTIO_NET_OK);
	assert_int_equal(CONTROL(m, 0, 2, 0), VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 0, 0), VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 0, 0, 1, 1), VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 0), VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 77, 0, 0), VIRTIO_NET_ERR);

	assert_int_equal(CONTROL(m, 1, 1, 2, 9, 8, 7, 6, 5), VIRTIO_NET_OK);
	virtio_config_read(&m->net->dev, 0, mac, 6);
	assert_memory_equal(mac, ((u8[]){ 2, 9, 8, 7, 6, 5 }), 6);
	assert_int_equal(CONTROL(m, 1, 1, 2, 9, 8, 7, 6), VIRTIO_NET_ERR);
	/* Tables: one unicast address, no multicast; then lengths that do not agree. */
	assert_int_equal(CONTROL(m, 1, 0, 1, 0, 0, 0, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0), VIRTIO_NET_OK);
	assert_int_equal(CONTROL(m, 1, 0, 2, 0, 0, 0, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0),
			 VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 1, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0), VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 1, 0, 0, 0, 0, 0), VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 1, 0, 0, 0), VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 1, 2), VIRTIO_NET_ERR);

	assert_int_equal(m->fake->offload,
			 BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4));
	assert_int_equal(m->net->rx_need, NET_HDR_LEN + NET_MAX_FRAME);
	assert_int_equal(CONTROL(m, 5, 0, 2, 0, 0, 0, 0, 0, 0, 0), VIRTIO_NET_OK);
	assert_int_equal(m->fake->offload, BIT(VIRTIO_NET_F_GUEST_CSUM));
	assert_int_equal(m->net->rx_need, NET_HDR_LEN + 1518);
	/* TSO6 was never accepted. */
	assert_int_equal(CONTROL(m, 5, 0, 2, 1, 0, 0, 0, 0, 0, 0), VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 5, 0, 2), VIRTIO_NET_ERR);
	m->fake->offload_error = -EINVAL;
	assert_int_equal(CONTROL(m, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0), VIRTIO_NET_ERR);
	/* MQ was not accepted. */
	assert_int_equal(CONTROL(m, 4, 0, 1, 0), VIRTIO_NET_ERR);
	assert_false(broken(m));
	/* Reset gives the address back. */
	m->fake->offload_error = 0;
	virtio_set_status(&m->net->dev, 0);
	virtio_config_read(&m->net->dev, 0, mac, 6);
	assert_memory_equal(mac, the_mac, 6);
}

static void control_not_accepted(void **state)
{
	struct machine *m = *state;

	bring_up(m, 0, 256);
	assert_int_equal(CONTROL(m, 0, 0, 1), VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 1, 1, 2, 9, 8, 7, 6, 5), VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0), VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0), VIRTIO_NET_ERR);
}

static void control_no_answer(void **state)
{
	struct machine *m = *state;
	struct ring *r = &m->ring[2];

	bring_up(m, 0, 256);
	ring_add(r, &(struct ring_buffer){ ring_alloc(r, 8), 8, false }, 1);
	kick(m, m->ctrl);
	assert_true(broken(m));
}

static void multi_queue(void **state)
{
	struct machine *m = *state;
	struct ring *r = &m->ring[3];
	gpa_t at;

	bring_up(m, BIT(VIRTIO_NET_F_MQ), 256);
	turn(m, 1);
	at = ring_alloc(r, 100);
	ring_add(r, &(struct ring_buffer){ at, 100, false }, 1);
	kick(m, 3);
	/* Not before the driver takes it in use. */
	assert_int_equal(m->fake->nr_sent, 0);
	assert_int_equal(CONTROL(m, 4, 0, 3, 0), VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 4, 0, 0, 0), VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 4, 1, 2, 0), VIRTIO_NET_ERR);
	assert_int_equal(CONTROL(m, 4, 0, 2, 0), VIRTIO_NET_OK);
	assert_int_equal(m->fake->set_pairs, 2);
	turn(m, 1);
	assert_int_equal(m->fake->nr_sent, 1);
	at = ring_alloc(&m->ring[2], 1600);
	ring_add(&m->ring[2], &(struct ring_buffer){ at, 1600, true }, 1);
	kick(m, 2);
	assert_true(m->fake->incoming[1]);
	assert_int_equal(CONTROL(m, 4, 0, 1, 0), VIRTIO_NET_OK);
	assert_int_equal(m->fake->set_pairs, 1);
	assert_false(m->fake->incoming[1]);
	ring_add(r, &(struct ring_buffer){ at, 100, false }, 1);
	kick(m, 3);
	assert_int_equal(m->fake->nr_sent, 1);
	m->fake->pairs_error = -EIO;
	assert_int_equal(CONTROL(m, 4, 0, 2, 0), VIRTIO_NET_ERR);
	kick(m, 3);
	assert_int_equal(m->fake->nr_sent, 1);
	m->fake->pairs_error = 0;
	assert_int_equal(CONTROL(m, 4, 0, 2, 0), VIRTIO_NET_OK);
	turn(m, 1);
	assert_int_equal(m->fake->nr_sent, 2);
	/* What it had taken before is still good. */
	arrives(m->fake, 60, 4);
	m->fake->backend.incoming(m->fake->backend.opaque, 1);
	assert_int_equal(le16toh(m->ring[2].used->idx), 1);
}

/* The same with the device's own threads: pairs switched while frames flow. */
static void threads(void **state)
{
	struct machine *m = *state;
	struct device *device = &m->net->dev.device;

	assert_int_equal(device->ops->start(device), 0);
	bring_up(m, BIT(VIRTIO_NET_F_MQ), 256);
	for (unsigned i = 0; i < 50; i++) {
		struct ring *r = &m->ring[m->ctrl];
		gpa_t at = ring_alloc(r, 5);

		memcpy(ring_ptr(r, at, 4), (u8[]){ 4, 0, 1 + (i & 1), 0 }, 4);
		ring_add(r, (struct ring_buffer[]){ { at, 4, false }, { at + 4, 1, true } }, 2);
		virtio_queue_notified(&m->net->dev, m->ctrl);
		send(m, NET_HDR_LEN, 60, i);
		virtio_queue_notified(&m->net->dev, TX);
		if (i % 10 == 9) {
			device->ops->quiesce(device);
			device->ops->resume(device);
		}
	}
	for (unsigned i = 0; i < 2000 && le16toh(m->ring[TX].used->idx) != 50; i++)
		usleep(1000);
	device->ops->quiesce(device);
	assert_int_equal(m->fake->nr_sent, 50);
	device->ops->reset(device);
	assert_int_equal(virtio_get_status(&m->net->dev), 0);
	device->ops->resume(device);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(config_space),
		cmocka_unit_test(default_macs),
		TEST(tx_batch),
		TEST(tx_header_split),
		TEST(tx_waits_for_room),
		TEST(tx_refused_frames_are_done),
		TEST(tx_without_header),
		TEST(tx_writable_part),
		TEST(tx_bounded),
		TEST(rx_plain),
		TEST(rx_too_long),
		TEST(rx_merged),
		TEST(rx_merged_largest),
		TEST(rx_merged_overflow),
		TEST(rx_short_driver),
		TEST(rx_tiny_buffers),
		TEST(rx_bad_buffers),
		TEST(rx_bounded),
		TEST(pause_loses_nothing),
		TEST(reset_forgets),
		TEST(queue_reset_forgets),
		TEST(control_commands),
		TEST(control_not_accepted),
		TEST(control_no_answer),
		TEST(multi_queue),
		TEST(threads),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
