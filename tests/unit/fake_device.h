/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A virtio device for tests of transports: two queues, whose requests it completes at once. */
#ifndef TEST_FAKE_DEVICE_H
#define TEST_FAKE_DEVICE_H

#include <linux/virtio_config.h>
#include "virtio_driver.h"

#define FAKE_TYPE   9 /* 9p: legacy devices have numbers for few types */
#define FAKE_QUEUES 2
#define FAKE_SIZE   16

struct fake_device {
	struct virtio_device dev;
	u8 config[12];
	unsigned notifies, completed;
};

static inline void fake_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len)
{
	memcpy(data, CONTAINER_OF(dev, struct fake_device, dev)->config + offset, len);
}

static inline void fake_config_write(struct virtio_device *dev, u32 offset, const u8 *data, u32 len)
{
	memcpy(CONTAINER_OF(dev, struct fake_device, dev)->config + offset, data, len);
}

static inline void fake_notify(struct virtio_device *dev, struct virtqueue *vq)
{
	struct fake_device *f = CONTAINER_OF(dev, struct fake_device, dev);
	struct iovec iov[8];
	struct virtq_chain chain = { .iov = iov, .iov_max = 8 };

	f->notifies++;
	do {
		virtqueue_kick_off(vq);
		while (virtqueue_pop(vq, &chain) > 0) {
			iov_write(iov + chain.nr_out, chain.nr_in, 0, "done", 4);
			virtqueue_push(vq, chain.head, MIN(chain.in_len, 4u));
			f->completed++;
		}
	} while (virtqueue_kick_on(vq));
	virtqueue_signal(vq);
}

static inline void fake_destroy(struct virtio_device *dev)
{
	virtio_exit(dev);
	free(CONTAINER_OF(dev, struct fake_device, dev));
}

static const struct virtio_device_ops fake_device_ops = {
	.name = "fake",
	.type = FAKE_TYPE,
	.pci_class = 0xff0000,
	.config_size = sizeof(((struct fake_device *)0)->config),
	.queue_size = FAKE_SIZE,
	.config_read = fake_config_read,
	.config_write = fake_config_write,
	.notify = fake_notify,
	.destroy = fake_destroy,
};

static inline struct fake_device *fake_device_create(struct vm *vm)
{
	struct fake_device *f = calloc(1, sizeof(*f));
	int err = virtio_init(&f->dev, &fake_device_ops, vm, vm->loop, BIT(3), FAKE_QUEUES);

	assert(!err);
	(void)err;
	return f;
}

#endif
