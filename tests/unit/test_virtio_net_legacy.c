/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net with legacy drivers: short headers and long ones, in both byte orders, in front of a back end
 * that only knows virtio 1's.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../virtio/net.h"
#include "lkvm/vm/vm.h"
#include "lkvm/util/log.h"
#include "virtio_driver.h"

#define RAM_SIZE MIB(4)
#define RX	 0
#define TX	 1
#define CONTROL	 4 /* with MQ and two pairs */
#define QUEUES	 5
#define SIZE	 64

#define OFFLOADS (BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4))
#define MERGE	 BIT(VIRTIO_NET_F_MRG_RXBUF)

/* ---- the back end ---- */

struct fake {
	struct net_backend backend;
	struct virtio_net_hdr_v1 header; /* of the frame sent last */
	u8 frame[NET_MAX_FRAME + 64];
	size_t sent_len; /* without the header; 0: none was */
	unsigned nr_sent;
	int transmit_error;
	u8 waiting[NET_OVERFLOW + 64]; /* a frame for the guest, with its header */
	size_t waiting_len;
	u64 offload;
	unsigned pairs;
};

static int fake_transmit(struct net_backend *backend, unsigned pair, const struct iovec *iov,
			 unsigned nr, size_t len)
{
	struct fake *fake = CONTAINER_OF(backend, struct fake, backend);

	if (fake->transmit_error)
		return fake->transmit_error;
	assert_int_equal(iov_read(iov, nr, 0, &fake->header, NET_HDR_LEN), NET_HDR_LEN);
	fake->sent_len = iov_read(iov, nr, NET_HDR_LEN, fake->frame, sizeof(fake->frame));
	assert_int_equal(fake->sent_len, len - NET_HDR_LEN);
	fake->nr_sent++;
	return 0;
}

static ssize_t fake_receive(struct net_backend *backend, unsigned pair, const struct iovec *iov,
			    unsigned nr)
{
	struct fake *fake = CONTAINER_OF(backend, struct fake, backend);
	size_t len = fake->waiting_len;

	fake->waiting_len = 0;
	iov_write(iov, nr, 0, fake->waiting, len);
	return len;
}

static void fake_watch(struct net_backend *backend, unsigned pair, bool incoming, bool writable)
{
}

static int fake_set_offload(struct net_backend *backend, u64 features)
{
	CONTAINER_OF(backend, struct fake, backend)->offload = features;
	return 0;
}

static int fake_set_pairs(struct net_backend *backend, unsigned pairs)
{
	CONTAINER_OF(backend, struct fake, backend)->pairs = pairs;
	return 0;
}

static int fake_start(struct net_backend *backend, struct loop *const *loops)
{
	return 0;
}

static void fake_stop(struct net_backend *backend)
{
}

static const struct net_backend_ops fake_ops = {
	.name = "fake",
	.transmit = fake_transmit,
	.receive = fake_receive,
	.watch = fake_watch,
	.set_offload = fake_set_offload,
	.set_pairs = fake_set_pairs,
	.start = fake_start,
	.stop = fake_stop,
	.destroy = fake_stop,
};

/* ---- the machine ---- */

struct machine {
	struct vm vm; /* its memory */
	u8 *ram;
	struct fake fake;
	struct virtio_net *net;
	struct test_transport transport;
	struct ring ring[QUEUES];
	u32 header_len;
};

static const u8 the_mac[6] = { 0x02, 1, 2, 3, 4, 5 };

static struct virtio_device *dev_of(struct machine *m)
{
	return &m->net->dev;
}

static void bring_up(struct machine *m, u32 features)
{
	const u64 room = RAM_SIZE / QUEUES / 4096 * 4096;

	for (unsigned i = 0; i < QUEUES; i++)
		ring_init_legacy(&m->ring[i], m->ram, RING_BASE, RAM_SIZE, SIZE,
				 RING_BASE + i * room, 4096, driver_big_endian);
	m->header_len = features & MERGE ? 12 : 10;
	assert_true(driver_start_legacy(dev_of(m),
					features | BIT(VIRTIO_NET_F_CTRL_VQ) | OFFLOADS |
						BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) |
						BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_MQ),
					m->ring, QUEUES, 4096));
}

static int setup_order(void **state, bool big)
{
	struct machine *m = calloc(1, sizeof(*m));

	driver_big_endian = big;
	m->ram = calloc(1, RAM_SIZE);
	guest_memory_init(&m->vm.memory);
	assert_int_equal(guest_memory_add_buffer(&m->vm.memory, RING_BASE, m->ram, RAM_SIZE), 0);
	m->fake.backend.ops = &fake_ops;
	m->fake.backend.pairs = 2;
	m->fake.backend.mtu = 9000;
	m->fake.backend.features = BIT(VIRTIO_NET_F_CSUM) | OFFLOADS | BIT(VIRTIO_NET_F_HOST_USO);
	m->net = net_device_new(&m->vm, &m->fake.backend, the_mac, 0);
	assert_non_null(m->net);
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
	struct device *device = &dev_of(m)->device;

	device->ops->destroy(device);
	free(m->ram);
	free(m);
	return 0;
}

static void kick(struct machine *m, unsigned queue)
{
	driver_notify(dev_of(m), queue);
	test_run_loop(m->net->pairs[0].loop);
}

static bool broken(struct machine *m)
{
	return virtio_get_status(dev_of(m)) & VIRTIO_CONFIG_S_NEEDS_RESET;
}

static u16 order(u16 value)
{
	return driver_big_endian ? htobe16(value) : htole16(value);
}

/* ---- configuration ---- */

static void config_space(void **state)
{
	struct machine *m = *state;
	struct virtio_net_config config;
	const u8 mac[6] = { 0x52, 9, 8, 7, 6, 5 };

	assert_int_equal(dev_of(m)->device_features >> 32, 0);
	bring_up(m, 0);
	virtio_config_read(dev_of(m), 0, (u8 *)&config, 12);
	assert_memory_equal(config.mac, the_mac, 6);
	assert_int_equal(order(config.status), VIRTIO_NET_S_LINK_UP);
	assert_int_equal(order(config.max_virtqueue_pairs), 2);
	assert_int_equal(order(config.mtu), 9000);
	/* The address is the driver's to set, byte by byte or at once; nothing else is. */
	for (unsigned i = 0; i < 6; i++)
		virtio_config_write(dev_of(m), i, &mac[i], 1);
	virtio_config_read(dev_of(m), 0, (u8 *)&config, 12);
	assert_memory_equal(config.mac, mac, 6);
	memset(&config, 0xff, sizeof(config));
	virtio_config_write(dev_of(m), 4, (u8 *)&config, 4);
	virtio_config_write(dev_of(m), 8, (u8 *)&config, 4);
	virtio_config_read(dev_of(m), 0, (u8 *)&config, 12);
	assert_memory_equal(config.mac, "\x52\x09\x08\x07\xff\xff", 6);
	assert_int_equal(order(config.status), VIRTIO_NET_S_LINK_UP);
	assert_int_equal(order(config.max_virtqueue_pairs), 2);
	virtio_set_status(dev_of(m), 0);
	virtio_config_read(dev_of(m), 0, (u8 *)&config, 6);
	assert_memory_equal(config.mac, the_mac, 6);
}

/* ---- transmit ---- */

#define FRAME 300

static struct virtio_net_hdr_v1 driver_header(void)
{
	return (struct virtio_net_hdr_v1){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = order(0x36),
		.gso_size = order(0x5a8),
		.csum_start = order(0x122),
		.csum_offset = order(0x10),
		.num_buffers = 0,
	};
}

/* Header and frame behind each other, cut at these places. */
static void send_cut(struct machine *m, const unsigned *cuts, unsigned nr, u32 total)
{
	struct ring *r = &m->ring[TX];
	struct virtio_net_hdr_v1 header = driver_header();
	gpa_t gpa = ring_alloc(r, MAX(total, 16u));
	struct ring_buffer buffers[8];
	unsigned from = 0;
	u8 *at = ring_ptr(r, gpa, total);

	for (u32 i = 0; i < total; i++)
		at[i] = i < m->header_len ? ((u8 *)&header)[i] : i - m->header_len;
	for (unsigned i = 0; i <= nr; i++) {
		unsigned to = i < nr ? cuts[i] : total;

		buffers[i] = (struct ring_buffer){ gpa + from, to - from, false };
		from = to;
	}
	ring_add(r, buffers, nr + 1);
	kick(m, TX);
}

static void check_sent(struct machine *m, size_t len)
{
	const struct virtio_net_hdr_v1 *header = &m->fake.header;

	assert_int_equal(m->fake.sent_len, len);
	assert_int_equal(header->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(header->gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(le16toh(header->hdr_len), 0x36);
	assert_int_equal(le16toh(header->gso_size), 0x5a8);
	assert_int_equal(le16toh(header->csum_start), 0x122);
	assert_int_equal(le16toh(header->csum_offset), 0x10);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(m->fake.frame[i], (u8)i);
}

static void transmit(struct machine *m)
{
	static const unsigned cuts[][3] = {
		{ 10 }, { 12 }, { 1 }, { 5, 11 }, { 4, 8, 200 }, { 299 }
	};
	const u32 total = m->header_len + FRAME;

	send_cut(m, NULL, 0, total);
	check_sent(m, FRAME);
	for (unsigned i = 0; i < ARRAY_SIZE(cuts); i++) {
		unsigned nr = 0;

		while (nr < 3 && cuts[i][nr])
			nr++;
		m->fake.sent_len = 0;
		send_cut(m, cuts[i], nr, total);
		check_sent(m, FRAME);
	}
	/* Not now: the same again later, whole. */
	m->fake.sent_len = 0;
	m->fake.transmit_error = -EAGAIN;
	send_cut(m, cuts[3], 2, total);
	assert_int_equal(m->fake.sent_len, 0);
	m->fake.transmit_error = 0;
	m->fake.backend.writable(m->fake.backend.opaque, 0);
	check_sent(m, FRAME);
	while (ring_used(&m->ring[TX], NULL, NULL))
		;
	/* A header and no frame is dropped, less than a header breaks the queue. */
	m->fake.sent_len = 0;
	send_cut(m, NULL, 0, m->header_len);
	assert_int_equal(m->fake.sent_len, 0);
	assert_true(ring_used(&m->ring[TX], NULL, NULL));
	assert_false(broken(m));
	send_cut(m, NULL, 0, m->header_len + 1);
	check_sent(m, 1);
	send_cut(m, NULL, 0, m->header_len - 1);
	assert_true(broken(m));
}

static void transmits(void **state)
{
	bring_up(*state, 0);
	transmit(*state);
}

static void transmits_with_merged_buffers(void **state)
{
	bring_up(*state, MERGE);
	transmit(*state);
}

static void transmit_is_bounded(void **state)
{
	struct machine *m = *state;
	struct ring *r = &m->ring[TX];
	struct ring_buffer b;

	bring_up(m, 0);
	b = (struct ring_buffer){ ring_alloc(r, 70000), 10 + NET_MAX_FRAME, false };
	ring_add(r, &b, 1);
	kick(m, TX);
	assert_int_equal(m->fake.sent_len, NET_MAX_FRAME);
	m->fake.sent_len = 0;
	b.len++;
	ring_add(r, &b, 1);
	kick(m, TX);
	assert_int_equal(m->fake.sent_len, 0);
	assert_false(broken(m));
}

/* ---- receive ---- */

static gpa_t offer(struct machine *m, u32 len)
{
	struct ring *r = &m->ring[RX];
	struct ring_buffer b[2] = { { ring_alloc(r, len), len, true } };

	memset(ring_ptr(r, b[0].gpa, len), 0xee, len);
	/* Cut in the header, as no well-behaved legacy driver does. */
	if (len > 4) {
		b[1] = (struct ring_buffer){ b[0].gpa + 4, len - 4, true };
		b[0].len = 4;
	}
	ring_add(r, b, len > 4 ? 2 : 1);
	return b[0].gpa;
}

static void arrives(struct machine *m, size_t len)
{
	struct virtio_net_hdr_v1 header = {
		.flags = VIRTIO_NET_HDR_F_DATA_VALID,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV6,
		.hdr_len = htole16(0x0102),
		.gso_size = htole16(0x0304),
		.csum_start = htole16(0x0506),
		.csum_offset = htole16(0x0708),
	};

	memcpy(m->fake.waiting, &header, sizeof(header));
	for (size_t i = 0; i < len; i++)
		m->fake.waiting[sizeof(header) + i] = i * 3;
	m->fake.waiting_len = sizeof(header) + len;
	kick(m, RX);
	m->fake.backend.incoming(m->fake.backend.opaque, 0);
	assert_int_equal(m->fake.waiting_len, 0);
}

static const u8 *check_header(struct machine *m, gpa_t gpa, u16 buffers)
{
	const u8 *at = ring_ptr(&m->ring[RX], gpa, m->header_len);
	u16 number;

	assert_memory_equal(at, "\x02\x04", 2);
	assert_memory_equal(at + 2, driver_big_endian ? "\1\2\3\4\5\6\7\10" : "\2\1\4\3\6\5\10\7",
			    8);
	memcpy(&number, at + 10, 2);
	if (m->header_len == 12)
		assert_int_equal(order(number), buffers);
	return at + m->header_len;
}

static void check_data(const u8 *at, size_t from, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(at[i], (u8)((from + i) * 3));
}

static void receive_plain(struct machine *m)
{
	u32 len;

	for (unsigned i = 0; i < 3; i++) {
		gpa_t gpa = offer(m, 100000);

		arrives(m, 100 + i);
		assert_true(ring_used(&m->ring[RX], NULL, &len));
		assert_int_equal(len, m->header_len + 100 + i);
		check_data(check_header(m, gpa, 1), 0, 100 + i);
		assert_int_equal(*(u8 *)ring_ptr(&m->ring[RX], gpa + len, 1), 0xee);
	}
	assert_false(broken(m));
}

static void receives(void **state)
{
	struct machine *m = *state;
	gpa_t gpa;
	u32 len;

	bring_up(m, 0);
	receive_plain(m);
	/* Room for all of it but the last byte, then exactly enough. */
	gpa = offer(m, 10 + 99);
	arrives(m, 100);
	assert_int_equal(m->net->pairs[0].rx_dropped, 1);
	assert_false(ring_used(&m->ring[RX], NULL, NULL));
	arrives(m, 99);
	assert_true(ring_used(&m->ring[RX], NULL, &len));
	assert_int_equal(len, 109);
	check_data(check_header(m, gpa, 1), 0, 99);
	offer(m, 9);
	kick(m, RX);
	assert_true(broken(m));
}

static void receives_merged(void **state)
{
	struct machine *m = *state;
	gpa_t gpa[70];
	u32 len = 0, seen = 0;

	bring_up(m, MERGE);
	for (unsigned i = 0; i < 2; i++)
		offer(m, 100000);
	while (m->ring[RX].next_used < 2) {
		arrives(m, 100);
		assert_true(ring_used(&m->ring[RX], NULL, &len));
		assert_int_equal(len, 112);
	}
	/* Over as many buffers as it takes; the largest frame, and one too large for what is offered. */
	for (unsigned i = 0; i < 30; i++)
		gpa[i] = offer(m, 2300);
	arrives(m, NET_MAX_FRAME);
	check_data(check_header(m, gpa[0], 29), 0, 2300 - 12);
	for (unsigned i = 0; i < 29; i++) {
		assert_true(ring_used(&m->ring[RX], NULL, &len));
		if (i)
			check_data(ring_ptr(&m->ring[RX], gpa[i], len), seen, len);
		seen += i ? len : len - 12;
	}
	assert_int_equal(seen, NET_MAX_FRAME);
	assert_false(ring_used(&m->ring[RX], NULL, NULL));
	assert_false(broken(m));
}

/* ---- the control queue ---- */

static int command(struct machine *m, u8 class, u8 cmd, const void *data, u32 len)
{
	struct ring *r = &m->ring[CONTROL];
	struct ring_buffer b[3] = { { ring_alloc(r, 2), 2, false },
				    { ring_alloc(r, len), len, false },
				    { ring_alloc(r, 1), 1, true } };
	u8 *ack = ring_ptr(r, b[2].gpa, 1);

	memcpy(ring_ptr(r, b[0].gpa, 2), (u8[]){ class, cmd }, 2);
	memcpy(ring_ptr(r, b[1].gpa, len), data, len);
	*ack = 0xee;
	ring_add(r, b, 3);
	kick(m, CONTROL);
	assert_true(ring_used(r, NULL, NULL));
	return *ack;
}

static void control(void **state)
{
	struct machine *m = *state;
	u64 offloads = virtio64(dev_of(m), BIT(VIRTIO_NET_F_GUEST_CSUM));
	u8 table[4 + 6 + 4] = { 0 };
	u16 pairs = order(2);
	u32 count;

	bring_up(m, 0);
	offloads = ring64(&m->ring[0], BIT(VIRTIO_NET_F_GUEST_CSUM));
	assert_int_equal(m->fake.offload, OFFLOADS);
	assert_int_equal(command(m, VIRTIO_NET_CTRL_GUEST_OFFLOADS,
				 VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, &offloads, 8),
			 VIRTIO_NET_OK);
	assert_int_equal(m->fake.offload, BIT(VIRTIO_NET_F_GUEST_CSUM));
	assert_int_equal(command(m, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &pairs, 2),
			 VIRTIO_NET_OK);
	assert_int_equal(m->fake.pairs, 2);
	pairs = order(3);
	assert_int_equal(command(m, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &pairs, 2),
			 VIRTIO_NET_ERR);
	count = ring32(&m->ring[0], 1);
	memcpy(table, &count, 4);
	assert_int_equal(command(m, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, table,
				 sizeof(table)),
			 VIRTIO_NET_OK);
	count = ring32(&m->ring[0], 2);
	memcpy(table, &count, 4);
	assert_int_equal(command(m, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, table,
				 sizeof(table)),
			 VIRTIO_NET_ERR);
	assert_false(broken(m));
}

/* A modern driver's header needs nothing done to it, and a legacy one's that is the same neither. */
static void only_what_differs_is_converted(void **state)
{
	struct machine *m = *state;

	bring_up(m, 0);
	assert_true(m->net->convert);
	bring_up(m, MERGE);
	assert_int_equal(m->net->convert, driver_big_endian);
	receive_plain(m);
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
		T(transmits),
		T(transmits_with_merged_buffers),
		T(transmit_is_bounded),
		T(receives),
		T(receives_merged),
		T(control),
		T(only_what_differs_is_converted),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
