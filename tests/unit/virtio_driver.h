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
	bool destroyed;
};

static inline bool test_send_message(struct virtio_transport *t, int queue)
{
	struct test_transport *test = CONTAINER_OF(t, struct test_transport, transport);

	if (queue == VIRTIO_NO_QUEUE)
		test->config_interrupts++;
	else
		test->interrupts[queue]++;
	return true;
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
	.send_message = test_send_message,
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

/* ---- the registers, as functions ---- */

static inline u8 virtio_get_status(struct virtio_device *dev)
{
	return virtio_read(dev, REG_STATUS);
}

static inline void virtio_set_status(struct virtio_device *dev, u8 status)
{
	virtio_write(dev, REG_STATUS, status);
}

static inline u8 virtio_config_generation(struct virtio_device *dev)
{
	return virtio_read(dev, REG_GENERATION);
}

static inline u32 virtio_get_device_features(struct virtio_device *dev, u32 select)
{
	virtio_write(dev, REG_DEVICE_SELECT, select);
	return virtio_read(dev, REG_DEVICE_FEATURES);
}

static inline u32 virtio_get_driver_features(struct virtio_device *dev, u32 select)
{
	virtio_write(dev, REG_DRIVER_SELECT, select);
	return virtio_read(dev, REG_DRIVER_FEATURES);
}

static inline void virtio_set_driver_features(struct virtio_device *dev, u32 select, u32 value)
{
	virtio_write(dev, REG_DRIVER_SELECT, select);
	virtio_write(dev, REG_DRIVER_FEATURES, value);
}

static inline u32 driver_read_queue(struct virtio_device *dev, unsigned index,
				    enum virtio_register reg)
{
	virtio_write(dev, REG_QUEUE_SELECT, index);
	return virtio_read(dev, reg);
}

static inline void driver_write_queue(struct virtio_device *dev, unsigned index,
				      enum virtio_register reg, u32 value)
{
	virtio_write(dev, REG_QUEUE_SELECT, index);
	virtio_write(dev, reg, value);
}

static inline void driver_notify(struct virtio_device *dev, u32 index)
{
	virtio_write(dev, REG_NOTIFY, index);
}

/* ---- a driver's way ---- */

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

static inline void driver_set_address(struct virtio_device *dev, enum virtio_register low,
				      gpa_t gpa)
{
	virtio_write(dev, low, gpa);
	virtio_write(dev, low + 1, gpa >> 32);
}

static inline void driver_set_queue(struct virtio_device *dev, unsigned index, const struct ring *r)
{
	driver_write_queue(dev, index, REG_QUEUE_SIZE, r->size);
	driver_set_address(dev, REG_DESC_LOW, r->desc_gpa);
	driver_set_address(dev, REG_AVAIL_LOW, r->avail_gpa);
	driver_set_address(dev, REG_USED_LOW, r->used_gpa);
	virtio_write(dev, REG_QUEUE_ENABLE, 1);
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
		driver_write_queue(dev, i, REG_QUEUE_SIZE, rings[i].size);
		virtio_queue_set_area(dev, rings[i].desc_gpa, align);
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
