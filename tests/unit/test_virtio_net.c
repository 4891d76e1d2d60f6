/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-net's configuration and its frames: sent, received, merged, refused. */
#include "net_machine.h"

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
	assert_int_equal(m->transport.config_interrupts, 1);
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
	assert_int_equal(m->transport.interrupts[TX], 1);
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
	driver_notify(&m->net->dev, TX);
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
	assert_int_equal(m->transport.interrupts[RX], 1);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(config_space),	 cmocka_unit_test(default_macs),
		TEST(tx_batch),		 TEST(tx_header_split),
		TEST(tx_waits_for_room), TEST(tx_refused_frames_are_done),
		TEST(tx_without_header), TEST(tx_writable_part),
		TEST(tx_bounded),	 TEST(rx_plain),
		TEST(rx_too_long),	 TEST(rx_merged),
		TEST(rx_merged_largest), TEST(rx_merged_overflow),
		TEST(rx_short_driver),	 TEST(rx_tiny_buffers),
		TEST(rx_bad_buffers),	 TEST(rx_bounded),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
