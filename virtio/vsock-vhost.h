/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --vsock CID: the device that the host's kernel serves. Main thread; both log and return -errno. */
#ifndef VIRTIO_VSOCK_VHOST_H
#define VIRTIO_VSOCK_VHOST_H

#include "lkvm/util/types.h"

struct vhost;
struct vm;

/* The kernel's file, which has that CID until it is closed by vhost_close(). */
int vsock_vhost_open(struct vhost **vhost, u32 cid);
/* Makes the device and attaches it; `vhost` is the device's from here on. */
int vsock_vhost_create(struct vm *vm, struct vhost *vhost, u32 cid);

#endif
