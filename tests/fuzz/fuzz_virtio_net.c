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

static void set_up(void)
{
	static const u8 mac[6] = { 2, 0, 0, 0, 0, 1 };

	make_memory();
	vm.memory = memory;
	log_set_level(LOG_LEVEL_ERROR);
	net = net_device_new(&vm, &backend, mac, 0);
	if (!net)
		abort();
	dev = &net->dev;
	test_transport_init(&transport, dev);
}

static void boot_net(struct fuzz *in)
{
	u64 features = take(in, 4);

	features |= (u64)take(in, 4) << 32;
	boot(features, take(in, 1));
	mq = virtio_has_feature(dev, VIRTIO_NET_F_MQ);
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
		driver_write_queue(&net->dev, take(in, 1), REG_QUEUE_RESET, 1);
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
		if (!net->dev.state.needs_reset && ring_busy(pair->rx) != pair->nr_chains)
			abort();
		if (!net->dev.state.needs_reset && ring_busy(pair->tx))
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
	boot_net(&in);
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
			boot_net(&in);
			break;
		default:
			driver_notify(&net->dev, take(&in, 1));
			turn(take(&in, 1) & 1);
		}
	}
	turn(0);
	turn(1);
	check();
	return 0;
}
