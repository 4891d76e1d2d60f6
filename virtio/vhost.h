/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queues that the host's kernel serves (linux/vhost.h): a seat (lkvm/virtio/core.h) on a file like /dev/vhost-vsock. A device
 * makes one, and calls it from its own steps:
 *
 *	kind's open	vhost_open
 *	kind's create	virtio_init, then vhost_serve, then virtio_attach
 *	activate	vhost_activate
 *	destroy		vhost_close, before virtio_exit
 *
 * The kernel reaches guest memory through lkvm's own mappings, so that it can be of any kind. Main thread, or dev->lock
 * held as said.
 */
#ifndef VIRTIO_VHOST_H
#define VIRTIO_VHOST_H

#include "lkvm/virtio/core.h"

struct vhost;

struct vhost_want {
	const char *words;  /* what lines before the guest's start begin with: "--vsock 3" */
	const char *path;   /* "/dev/vhost-vsock" */
	const char *module; /* that has it: "vhost_vsock" */
	unsigned
		queues; /* the device's first ones; the others are the device's own, and nobody is told of kicks */
	/*
	 * All those queues are known to the kernel, or not all are any more: it begins, or ends, to serve them. dev->lock
	 * held. 0 or -errno.
	 */
	int (*run)(struct vhost *vhost, bool on);
};

/* Logs and returns -errno. *want lives as long as the seat. */
int vhost_open(struct vhost **vhost, const struct vhost_want *want);
/* Also for one that serves nobody; NULL: nothing happens. */
void vhost_close(struct vhost *vhost);
/* The file, for ioctls of the device's own. */
int vhost_fd(const struct vhost *vhost);
/* Of the device's type: those that the kernel has. */
u64 vhost_features(const struct vhost *vhost);
/*
 * The device's queues are served by it: after virtio_init, before virtio_attach. On failure logs, destroys the device and
 * returns -errno.
 */
int vhost_serve(struct vhost *vhost, struct virtio_device *dev);
/* dev->lock held. 0 or -errno, after which the device is broken and said so. */
int vhost_activate(struct vhost *vhost);

#endif
