// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A vsock device whose packets the host's kernel takes, which makes AF_VSOCK sockets of them. What is left here is its
 * configuration space and the queue for events, which only a restored guest would get.
 */
#include <errno.h>
#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"
#include "vhost.h"
#include "vsock-vhost.h"

#define VSOCK_QUEUES	    3 /* rx, tx, events */
#define VSOCK_KERNEL_QUEUES 2
#define VSOCK_QUEUE_SIZE    256

_Static_assert(sizeof(struct virtio_vsock_config) == 8, "virtio 1.3, 5.10.4");

struct vsock_vhost {
	struct virtio_device dev;
	struct vhost *vhost;
	struct virtio_vsock_config config; /* constant */
};

static struct vsock_vhost *to_vsock(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct vsock_vhost, dev);
}

static void vsock_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len)
{
	memcpy(data, (const u8 *)&to_vsock(dev)->config + offset, len);
}

static int vsock_activate(struct virtio_device *dev)
{
	return vhost_activate(to_vsock(dev)->vhost);
}

static void vsock_destroy(struct virtio_device *dev)
{
	struct vsock_vhost *vsock = to_vsock(dev);

	vhost_close(vsock->vhost);
	virtio_exit(dev);
	free(vsock);
}

static const struct virtio_device_ops vsock_ops = {
	.name = "virtio-vsock",
	.type = VIRTIO_ID_VSOCK,
	.pci_class = 0x078000,
	.config_size = sizeof(struct virtio_vsock_config),
	.queue_size = VSOCK_QUEUE_SIZE,
	.config_read = vsock_config_read,
	.activate = vsock_activate,
	.destroy = vsock_destroy,
};

/* ---- the kernel's side ---- */

static int vsock_run(struct vhost *vhost, bool on)
{
	int running = on;

	return ioctl(vhost_fd(vhost), VHOST_VSOCK_SET_RUNNING, &running) ? -errno : 0;
}

static const struct vhost_want vsock_want = {
	.words = "--vsock",
	.path = "/dev/vhost-vsock",
	.module = "vhost_vsock",
	.queues = VSOCK_KERNEL_QUEUES,
	.run = vsock_run,
};

static int set_cid(struct vhost *vhost, u32 cid)
{
	u64 guest = cid;
	int err;

	if (!ioctl(vhost_fd(vhost), VHOST_VSOCK_SET_GUEST_CID, &guest))
		return 0;
	err = -errno;
	if (err == -EADDRINUSE)
		log_fatal(
			"--vsock %u: another guest of this host, or the host itself, has that number; another one would work",
			cid);
	else
		log_fatal("--vsock %u: %s", cid, strerror(-err));
	return err;
}

int vsock_vhost_open(struct vhost **vhost, u32 cid)
{
	int err = vhost_open(vhost, &vsock_want);

	if (err)
		return err;
	err = set_cid(*vhost, cid);
	if (err)
		vhost_close(*vhost);
	return err;
}

int vsock_vhost_create(struct vm *vm, struct vhost *vhost, u32 cid)
{
	struct vsock_vhost *vsock = calloc(1, sizeof(*vsock));
	int err;

	if (!vsock) {
		vhost_close(vhost);
		return -ENOMEM;
	}
	vsock->vhost = vhost;
	vsock->config.guest_cid = htole64(cid);
	err = virtio_init(&vsock->dev, &vsock_ops, vm, vm->loop, vhost_features(vhost),
			  VSOCK_QUEUES);
	return err ?: vhost_serve(vhost, &vsock->dev) ?: virtio_attach(&vsock->dev, vm);
}
