/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver of virtio-net, modern or legacy, made from the fuzzer's bytes: buffers, raw descriptors, writes anywhere into
 * its memory, commands, pauses, resets. The back end reads what is sent and fills what it is given, to
 * the last byte. After each input no receive buffer is lost, and what lies around the guest's memory
 * was not touched.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <string.h>

#include "../../virtio/net.h"
#include "lkvm/vm/vm.h"

#define RAM_SIZE  KIB(256)
#define QUEUE	  32
#define QUEUES	  5
#define RING_ROOM 2048

#include "fuzz_driver.h" /* which wants these */

static struct vm vm;
static struct virtio_net *net;
static struct virtio_transport transport;
static bool mq;

/* The back end's mood, from the input. */
static struct {
	unsigned frames;
	size_t len;
	int transmit_error;
	bool incoming[2], writable[2];
} mood;

static int eat(struct net_backend *backend, unsigned pair, const struct iovec *iov, unsigned nr,
	       size_t len)
{
	static u8 sink[NET_HDR_LEN + NET_MAX_FRAME];

	if (len <= NET_HDR_LEN || len > sizeof(sink) ||
	    iov_read(iov, nr, 0, sink, sizeof(sink)) != len)
		abort();
	return mood.transmit_error;
}

static ssize_t feed(struct net_backend *backend, unsigned pair, const struct iovec *iov,
		    unsigned nr)
{
	static u8 frame[NET_HDR_LEN + NET_MAX_FRAME + 1000];

	if (nr > 1024 || !nr)
		abort();
	if (!mood.frames)
		return 0;
	mood.frames--;
	iov_write(iov, nr, 0, frame, mood.len);
	return mood.len;
}

static void watch(struct net_backend *backend, unsigned pair, bool incoming, bool writable)
{
	mood.incoming[pair] = incoming;
	mood.writable[pair] = writable;
}

static int set_offload(struct net_backend *backend, u64 features)
{
	return features & ~backend->features ? abort(), 0 : 0;
}

static int set_pairs(struct net_backend *backend, unsigned pairs)
{
	if (!pairs || pairs > backend->pairs)
		abort();
	for (unsigned i = pairs; i < backend->pairs; i++)
		if (mood.incoming[i] || mood.writable[i])
			abort();
	return 0;
}

static const struct net_backend_ops ops = {
	.name = "fuzz",
	.transmit = eat,
	.receive = feed,
	.watch = watch,
	.set_offload = set_offload,
	.set_pairs = set_pairs,
};

static struct net_backend backend = {
	.ops = &ops,
	.pairs = 2,
	.mtu = 1500,
	.features = BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) |
		    BIT(VIRTIO_NET_F_GUEST_TSO4),
};

static void signal_queue(struct virtio_transport *t, unsigned index)
{
}

static void nothing(struct virtio_transport *t)
{
}

static const struct virtio_transport_ops transport_ops = {
	.signal_queue = signal_queue,
	.signal_config = nothing,
	.reset = nothing,
	.destroy = nothing,
};

static void set_up(void)
{
	static const u8 mac[6] = { 2, 0, 0, 0, 0, 1 };

	make_memory();
	vm.memory = memory;
	log_set_level(LOG_LEVEL_ERROR);
	net = net_device_new(&vm, &backend, mac, 0);
	if (!net)
		abort();
	transport.ops = &transport_ops;
	transport.dev = &net->dev;
	net->dev.transport = &transport;
}

/* Bits of what boot() takes for a kind of driver. */
#define LEGACY 1
#define BIG    2

static void boot_legacy(u32 features, u8 kind)
{
	struct virtio_device *dev = &net->dev;

	driver_big_endian = kind & BIG;
	virtio_set_legacy(dev);
	features &= dev->device_features;
	mq = features & BIT(VIRTIO_NET_F_MQ);
	for (unsigned i = 0; i < QUEUES; i++)
		ring_init_legacy(&rings[i], ram, RING_BASE, RAM_SIZE, QUEUE,
				 RING_BASE + i * RING_ROOM, 4, driver_big_endian);
	if (!driver_start_legacy(dev, features, rings, QUEUES, 4))
		abort();
}

static void boot(u64 features, u8 kind)
{
	struct virtio_device *dev = &net->dev;
	static u64 offered;

	virtio_set_status(dev, 0);
	offered |= dev->device_features;
	dev->device_features = offered;
	dev->legacy = false;
	if (kind & LEGACY) {
		boot_legacy(features, kind);
		return;
	}
	features = (features & dev->device_features) | BIT(VIRTIO_F_VERSION_1);
	mq = features & BIT(VIRTIO_NET_F_MQ);
	virtio_set_status(dev, 3);
	virtio_set_driver_features(dev, 0, features);
	virtio_set_driver_features(dev, 1, features >> 32);
	virtio_set_status(dev, 11);
	for (unsigned i = 0; i < QUEUES; i++) {
		struct ring *r = &rings[i];

		ring_init_at(r, ram, RING_BASE, RAM_SIZE, QUEUE, RING_BASE + i * RING_ROOM,
			     RING_BASE + (i + 1) * RING_ROOM);
		virtio_queue_set_size(dev, i, QUEUE);
		virtio_queue_set_address(dev, i, RING_DESC, false, r->desc_gpa);
		virtio_queue_set_address(dev, i, RING_DRIVER, false, r->avail_gpa);
		virtio_queue_set_address(dev, i, RING_DEVICE, false, r->used_gpa);
		virtio_queue_set_enabled(dev, i, true);
	}
	virtio_set_status(dev, 15);
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static void turn(unsigned pair)
{
	struct loop *loop = net->pairs[pair].loop;

	if (loop_post(loop, stop_loop, loop))
		abort();
	loop_run(loop);
}

static gpa_t take_gpa(struct fuzz *in)
{
	return RING_BASE + QUEUES * RING_ROOM + take(in, 3) % (RAM_SIZE - QUEUES * RING_ROOM);
}

static void add_buffer(struct fuzz *in)
{
	unsigned queue = take(in, 1) % QUEUES, ctrl = mq ? 4 : 2;
	bool writable = queue < ctrl && !(queue & 1);
	gpa_t gpa = take_gpa(in);
	u32 len = take(in, 2);

	if (queue == ctrl) {
		u8 *command = ram + MIN(gpa - RING_BASE, (u64)RAM_SIZE - 32);

		for (unsigned i = 0; i < 12; i++)
			command[i] = take(in, 1);
		gpa = RING_BASE + (command - ram);
		ring_add(&rings[queue],
			 (struct ring_buffer[]){ { gpa, 1 + len % 20, false },
						 { gpa + 20, 1, true } },
			 2);
		return;
	}
	ring_add(&rings[queue], &(struct ring_buffer){ gpa, len, writable }, 1);
}

static void set_mood(struct fuzz *in)
{
	static const int errors[] = { 0, 0, -EAGAIN, -EINVAL };

	mood.frames = take(in, 1);
	mood.len = 1 + take(in, 3) % (NET_HDR_LEN + NET_MAX_FRAME + 1000);
	mood.transmit_error = errors[take(in, 1) % 4];
}

static void back_end_calls(struct fuzz *in)
{
	unsigned pair = take(in, 1) & 1;

	if (mood.incoming[pair])
		backend.incoming(backend.opaque, pair);
	if (mood.writable[pair])
		backend.writable(backend.opaque, pair);
}

static void pause_and_resume(struct fuzz *in)
{
	const struct device_ops *life = net->dev.device.ops;

	life->quiesce(&net->dev.device);
	if (mood.incoming[0] || mood.incoming[1] || mood.writable[0] || mood.writable[1])
		abort();
	if (take(in, 1) & 1)
		virtio_queue_reset(&net->dev, take(in, 1));
	life->resume(&net->dev.device);
}

/* What is taken and not given back is what is at hand, exactly. */
static void check(void)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct net_pair *pair = &net->pairs[i];
		u64 room = 0;
		unsigned iovs = 0;

		if (!mq && i)
			continue;
		for (unsigned n = 0; n < pair->nr_chains; n++) {
			room += pair->chains[n].len;
			iovs += pair->chains[n].nr_iov;
		}
		if (room != pair->room || iovs != pair->nr_iov)
			abort();
		if (!net->dev.state.needs_reset && pair->rx->nr_busy != pair->nr_chains)
			abort();
		if (!net->dev.state.needs_reset && pair->tx->nr_busy)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz in = { data, size };

	if (!net)
		set_up();
	memset(&mood, 0, sizeof(mood));
	memset(ram, 0, RAM_SIZE);
	boot(take(&in, 4) | (u64)take(&in, 4) << 32, take(&in, 1));
	while (in.left) {
		switch (take(&in, 1) % 10) {
		case 0 ... 2:
			add_buffer(&in);
			break;
		case 3:
			raw_descriptor(&in);
			break;
		case 4:
			write_memory(&in);
			break;
		case 5:
			set_mood(&in);
			break;
		case 6:
			back_end_calls(&in);
			break;
		case 7:
			pause_and_resume(&in);
			break;
		case 8:
			boot(take(&in, 4) | (u64)take(&in, 4) << 32, take(&in, 1));
			break;
		default:
			virtio_queue_notified(&net->dev, take(&in, 1));
			turn(take(&in, 1) & 1);
		}
	}
	turn(0);
	turn(1);
	check();
	return 0;
}
