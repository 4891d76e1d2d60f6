/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-net's life and its control queue: pauses, resets, commands, queue pairs, the device's own threads. */
#include <unistd.h>
#include "net_machine.h"

/* ---- life cycle ---- */

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
	assert_true(ring_busy(m->net->pairs[0].rx));
	device->ops->quiesce(device);
	/* The driver's buffers are the driver's. */
	assert_int_equal(ring_busy(m->net->pairs[0].rx), 0);
	assert_int_equal(m->net->pairs[0].rx->state.next_avail, 0);
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
	driver_write_queue(dev, RX, REG_QUEUE_RESET, 1);
	assert_int_equal(m->net->pairs[0].nr_chains, 0);
	turn(m, 0);
	ring_init_at(r, m->ram, RING_BASE, RAM_SIZE, 64, RING_BASE, RING_BASE + MIB(1));
	driver_write_queue(dev, RX, REG_QUEUE_SIZE, 64);
	driver_write_queue(dev, RX, REG_DESC_LOW, r->desc_gpa);
	driver_write_queue(dev, RX, REG_AVAIL_LOW, r->avail_gpa);
	driver_write_queue(dev, RX, REG_USED_LOW, r->used_gpa);
	driver_write_queue(dev, RX, REG_QUEUE_ENABLE, 1);
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
		driver_notify(&m->net->dev, m->ctrl);
		send(m, NET_HDR_LEN, 60, i);
		driver_notify(&m->net->dev, TX);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pause_loses_nothing),  TEST(reset_forgets),
		TEST(queue_reset_forgets),  TEST(control_commands),
		TEST(control_not_accepted), TEST(control_no_answer),
		TEST(multi_queue),	    TEST(threads),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
