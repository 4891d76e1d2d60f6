// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A disk that another process serves (vhost-user): what it is, its configuration says, which is the back end's. Requests
 * never come here.
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "blk.h"
#include "lkvm/vm/vm.h"
#include "vhost-user.h"

/* Those of which lkvm knows what they mean. */
#define BLK_REMOTE_FEATURES                                                                        \
	(BIT(VIRTIO_BLK_F_SIZE_MAX) | BIT(VIRTIO_BLK_F_SEG_MAX) | BIT(VIRTIO_BLK_F_GEOMETRY) |     \
	 BIT(VIRTIO_BLK_F_RO) | BIT(VIRTIO_BLK_F_BLK_SIZE) | BIT(VIRTIO_BLK_F_FLUSH) |             \
	 BIT(VIRTIO_BLK_F_TOPOLOGY) | BIT(VIRTIO_BLK_F_CONFIG_WCE) | BIT(VIRTIO_BLK_F_MQ) |        \
	 BIT(VIRTIO_BLK_F_DISCARD) | BIT(VIRTIO_BLK_F_WRITE_ZEROES))

struct blk_remote {
	struct virtio_device dev;
	struct vhost_user *seat; /* constant */
};

static struct blk_remote *to_remote(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct blk_remote, dev);
}

static void remote_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len)
{
	struct virtio_blk_config config;

	memcpy(&config, vhost_user_config(to_remote(dev)->seat), BLK_CONFIG_SIZE);
	/* It may have more than the guest has CPUs. */
	config.num_queues = htole16(dev->nr_queues);
	memcpy(data, (u8 *)&config + offset, len);
}

static void remote_config_write(struct virtio_device *dev, u32 offset, const u8 *data, u32 len)
{
	vhost_user_config_write(to_remote(dev)->seat, offset, data, len);
}

static int remote_activate(struct virtio_device *dev)
{
	return vhost_user_activate(to_remote(dev)->seat);
}

static void remote_reset(struct virtio_device *dev)
{
	vhost_user_reset(to_remote(dev)->seat);
}

static int remote_start(struct virtio_device *dev)
{
	return vhost_user_start(to_remote(dev)->seat);
}

static void remote_stop(struct virtio_device *dev)
{
	vhost_user_stop(to_remote(dev)->seat);
}

static void remote_destroy(struct virtio_device *dev)
{
	struct blk_remote *remote = to_remote(dev);

	vhost_user_close(remote->seat);
	virtio_exit(dev);
	free(remote);
}

static const struct virtio_device_ops remote_ops = {
	.name = "virtio-blk",
	.type = VIRTIO_ID_BLOCK,
	.pci_class = 0x018000,
	.config_size = BLK_CONFIG_SIZE,
	.queue_size = BLK_QUEUE_SIZE,
	.config_read = remote_config_read,
	.config_write = remote_config_write,
	.activate = remote_activate,
	.reset = remote_reset,
	.start = remote_start,
	.stop = remote_stop,
	.destroy = remote_destroy,
};

int blk_remote_open(struct vhost_user **seat, const struct disk_config *config)
{
	const struct vhost_user_want want = {
		.words = "--disk vhost-user=",
		.name = "virtio-blk",
		.path = config->back_end,
		.queues = config->queues ?: 1,
		.features = BLK_REMOTE_FEATURES,
		.config_size = BLK_CONFIG_SIZE,
		.config_needed = true,
		.resumes = true,
	};

	return vhost_user_open(seat, &want);
}

/* Not asked for: one for each CPU, as far as the back end says that it has them. */
static unsigned count_queues(const struct vm *vm, const struct disk_config *config,
			     struct vhost_user *seat)
{
	const u8 *space = vhost_user_config(seat);
	unsigned most = MIN(vm->config->cpus ?: 1, BLK_MAX_QUEUES);
	struct virtio_blk_config there;

	if (config->queues)
		return config->queues;
	if (!(vhost_user_features(seat) & BIT(VIRTIO_BLK_F_MQ)))
		return 1;
	memcpy(&there, space, BLK_CONFIG_SIZE);
	most = MIN(most, (unsigned)le16toh(there.num_queues));
	most = MIN(most, vhost_user_queues(seat) ?: 1);
	return MAX(most, 1U);
}

int blk_remote_create(struct vm *vm, const struct disk_config *config, unsigned index,
		      struct vhost_user *seat)
{
	struct blk_remote *remote = calloc(1, sizeof(*remote));
	int err;

	if (!remote) {
		vhost_user_close(seat);
		return -ENOMEM;
	}
	remote->seat = seat;
	err = virtio_init(&remote->dev, &remote_ops, vm, vm->loop, vhost_user_features(seat),
			  count_queues(vm, config, seat));
	if (err)
		return err;
	snprintf(remote->dev.device.name, sizeof(remote->dev.device.name), "virtio-blk%u", index);
	return vhost_user_serve(seat, &remote->dev, 0) ?: virtio_attach(&remote->dev, vm);
}
