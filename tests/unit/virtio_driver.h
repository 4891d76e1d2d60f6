/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver and a transport for tests of virtio devices, without a VM: the transport counts interrupts,
 * the driver negotiates and sets up queues whose rings a test fills with ring.h.
 */
#ifndef TEST_VIRTIO_DRIVER_H
#define TEST_VIRTIO_DRIVER_H

#include <linux/virtio_config.h>
#include "lkvm/virtio/core.h"
#include "lkvm/vm/byte-order.h"
#include "lkvm/vm/vcpu.h"
#include "ring.h"

/* The byte order of the vCPU that does the accesses, for legacy devices. */
static bool driver_big_endian;

/* In the place of vm/byte-order.c's. */
bool vcpu_big_endian(void)
{
	return driver_big_endian;
}

struct test_transport {
	struct virtio_transport transport;
	_Atomic unsigned interrupts[VIRTIO_MAX_QUEUES];
	_Atomic unsigned config_interrupts;
	unsigned resets;
	bool attached[VIRTIO_MAX_QUEUES]; /* has an ioeventfd */
	bool destroyed;
};

static inline void test_signal_queue(struct virtio_transport *t, unsigned index)
{
	CONTAINER_OF(t, struct test_transport, transport)->interrupts[index]++;
}

static inline void test_signal_config(struct virtio_transport *t)
{
	CONTAINER_OF(t, struct test_transport, transport)->config_interrupts++;
}

static inline int test_queue_attach(struct virtio_transport *t, unsigned index, int kick_fd)
{
	CONTAINER_OF(t, struct test_transport, transport)->attached[index] = true;
	return 0;
}

static inline void test_queue_detach(struct virtio_transport *t, unsigned index, int kick_fd)
{
	CONTAINER_OF(t, struct test_transport, transport)->attached[index] = false;
}

static inline void test_transport_reset(struct virtio_transport *t)
{
	CONTAINER_OF(t, struct test_transport, transport)->resets++;
}

static inline void test_transport_destroy(struct virtio_transport *t)
{
	CONTAINER_OF(t, struct test_transport, transport)->destroyed = true;
}

static const struct virtio_transport_ops test_transport_ops = {
	.signal_queue = test_signal_queue,
	.signal_config = test_signal_config,
	.queue_attach = test_queue_attach,
	.queue_detach = test_queue_detach,
	.reset = test_transport_reset,
	.destroy = test_transport_destroy,
};

static inline void test_transport_init(struct test_transport *t, struct virtio_device *dev)
{
	memset(t, 0, sizeof(*t));
	t->transport.ops = &test_transport_ops;
	t->transport.dev = dev;
	dev->transport = &t->transport;
}

/* Status up to FEATURES_OK with exactly these features; false when the device refused them. */
static inline bool driver_negotiate(struct virtio_device *dev, u64 features)
{
	virtio_set_status(dev, 0);
	virtio_set_status(dev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_set_status(dev, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	virtio_set_driver_features(dev, 0, features);
	virtio_set_driver_features(dev, 1, features >> 32);
	virtio_set_status(dev, virtio_get_status(dev) | VIRTIO_CONFIG_S_FEATURES_OK);
	return virtio_get_status(dev) & VIRTIO_CONFIG_S_FEATURES_OK;
}

static inline void driver_set_queue(struct virtio_device *dev, unsigned index, const struct ring *r)
{
	virtio_queue_set_size(dev, index, r->size);
	virtio_queue_set_address(dev, index, RING_DESC, false, r->desc_gpa);
	virtio_queue_set_address(dev, index, RING_DESC, true, r->desc_gpa >> 32);
	virtio_queue_set_address(dev, index, RING_DRIVER, false, r->avail_gpa);
	virtio_queue_set_address(dev, index, RING_DRIVER, true, r->avail_gpa >> 32);
	virtio_queue_set_address(dev, index, RING_DEVICE, false, r->used_gpa);
	virtio_queue_set_address(dev, index, RING_DEVICE, true, r->used_gpa >> 32);
	virtio_queue_set_enabled(dev, index, true);
}

static inline void driver_ok(struct virtio_device *dev)
{
	virtio_set_status(dev, virtio_get_status(dev) | VIRTIO_CONFIG_S_DRIVER_OK);
}

/* All of it: nr rings become queues 0..nr-1. */
static inline bool driver_start(struct virtio_device *dev, u64 features, struct ring *rings,
				unsigned nr)
{
	if (!driver_negotiate(dev, features | BIT(VIRTIO_F_VERSION_1)))
		return false;
	for (unsigned i = 0; i < nr; i++)
		driver_set_queue(dev, i, &rings[i]);
	driver_ok(dev);
	return virtio_get_status(dev) & VIRTIO_CONFIG_S_DRIVER_OK;
}

/* The same of a legacy driver, in its byte order; ring_init_legacy() made the rings with that `align`. */
static inline bool driver_start_legacy(struct virtio_device *dev, u32 features, struct ring *rings,
				       unsigned nr, u32 align)
{
	virtio_set_status(dev, 0);
	virtio_set_status(dev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_set_status(dev, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	virtio_set_driver_features(dev, 0, features);
	for (unsigned i = 0; i < nr; i++) {
		virtio_queue_set_size(dev, i, rings[i].size);
		virtio_queue_set_area(dev, i, rings[i].desc_gpa, align);
	}
	driver_ok(dev);
	return virtio_get_status(dev) ==
	       (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK);
}

static inline void test_stop_loop(void *arg)
{
	loop_stop(arg);
}

/* Runs what is ready on a loop that nobody runs: kick handlers, posted work. */
static inline void test_run_loop(struct loop *loop)
{
	/* Twice: what the first round made ready, such as an eventfd, is handled in the second. */
	for (int i = 0; i < 2; i++) {
		loop_post(loop, test_stop_loop, loop);
		loop_run(loop);
	}
}

#endif
