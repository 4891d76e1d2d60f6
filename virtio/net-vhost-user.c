// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A network card that another process serves (vhost-user): passt, for example. Its address is ours; there is no control queue,
 * whose answers would have to be the back end's, and so just one pair of queues.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lkvm/vm/vm.h"
#include "net.h"
#include "vhost-user.h"

/* What needs no control queue. */
#define NET_REMOTE_FEATURES                                                                        \
	(NET_GUEST_OFFLOADS | BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_HOST_TSO4) |               \
	 BIT(VIRTIO_NET_F_HOST_TSO6) | BIT(VIRTIO_NET_F_HOST_ECN) | BIT(VIRTIO_NET_F_HOST_UFO) |   \
	 BIT(VIRTIO_NET_F_HOST_USO) | BIT(VIRTIO_NET_F_MRG_RXBUF))
/* What the device is, whatever the back end has. */
#define NET_REMOTE_OWN (BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_STATUS))

struct net_remote {
	struct virtio_device dev;
	struct vhost_user *seat;	 /* constant, as the next */
	struct virtio_net_config config; /* little-endian */
};

static struct net_remote *to_remote(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct net_remote, dev);
}

static void remote_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len)
{
	struct net_remote *remote = to_remote(dev);
	struct virtio_net_config config = remote->config;

	config.status = htole16(vhost_user_there(remote->seat) ? VIRTIO_NET_S_LINK_UP : 0);
	memcpy(data, (const u8 *)&config + offset, len);
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
	struct net_remote *remote = to_remote(dev);

	vhost_user_close(remote->seat);
	virtio_exit(dev);
	free(remote);
}

static const struct virtio_device_ops remote_ops = {
	.name = "virtio-net",
	.type = 1,
	.pci_class = 0x020000,
	.config_size = offsetof(struct virtio_net_config, max_virtqueue_pairs),
	.queue_size = NET_QUEUE_SIZE,
	.config_read = remote_config_read,
	.activate = remote_activate,
	.reset = remote_reset,
	.start = remote_start,
	.stop = remote_stop,
	.destroy = remote_destroy,
};

int net_remote_open(struct vhost_user **seat, const struct net_config *config)
{
	const struct vhost_user_want want = {
		.words = "--network mode=vhost-user,socket=",
		.name = "virtio-net",
		.path = config->socket,
		/* Some count pairs. */
		.queues = 1,
		.features = NET_REMOTE_FEATURES,
		.resumes = true,
	};

	if (config->socket)
		return vhost_user_open(seat, &want);
	log_fatal("--network mode=vhost-user: socket=PATH is missing: where its back end listens");
	return -EINVAL;
}

int net_remote_create(struct vm *vm, const struct net_config *config, unsigned index,
		      struct vhost_user *seat)
{
	struct net_remote *remote = calloc(1, sizeof(*remote));
	int err;

	if (!remote) {
		vhost_user_close(seat);
		return -ENOMEM;
	}
	remote->seat = seat;
	net_mac(config, vm->config->name, index, remote->config.mac);
	err = virtio_init(&remote->dev, &remote_ops, vm, vm->loop,
			  vhost_user_features(seat) | NET_REMOTE_OWN, 2);
	if (err)
		return err;
	snprintf(remote->dev.device.name, sizeof(remote->dev.device.name), "virtio-net%u", index);
	return vhost_user_serve(seat, &remote->dev, NET_REMOTE_OWN)
		       ?: virtio_attach(&remote->dev, vm);
}
