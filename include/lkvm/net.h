/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network back ends: what carries a guest's Ethernet frames on the host. A back end and the virtio-net
 * queues it serves live on one loop.
 */
#ifndef LKVM_NET_H
#define LKVM_NET_H

#include <sys/uio.h>
#include "lkvm/config.h"
#include "lkvm/loop.h"

struct net_backend;

struct net_backend_ops {
	const char *name; /* "tap", "user" */
	/*
	 * Sends one frame. iov starts with the 12-byte virtio_net_hdr; back ends that do not speak it skip
	 * it. 0; -EAGAIN: not now, the device keeps it and waits for writable(); other: dropped.
	 */
	int (*transmit)(struct net_backend *backend, const struct iovec *iov, unsigned nr,
			size_t len);
	/*
	 * Reads frames into guest buffers: the device calls it with a buffer (iov with room for header and
	 * frame) and gets the frame's length with header, 0 when there is none now, -errno.
	 */
	ssize_t (*receive)(struct net_backend *backend, const struct iovec *iov, unsigned nr);
	/* Whether to watch for incoming frames (ready is called) and for writability. */
	void (*watch)(struct net_backend *backend, bool incoming, bool writable);
	/* The guest's accepted offloads, VIRTIO_NET_F_GUEST_* bits. */
	int (*set_offload)(struct net_backend *backend, u64 guest_features);
	int (*start)(struct net_backend *backend, struct loop *loop);
	void (*stop)(struct net_backend *backend);
	void (*destroy)(struct net_backend *backend);
};

struct net_backend {
	const struct net_backend_ops *ops;
	u64 features; /* VIRTIO_NET_F_* the back end can do: CSUM, HOST_TSO4 ... */
	struct loop *loop;
	/* The device's; on the loop. */
	void (*incoming)(void *opaque); /* frames may be there */
	void (*writable)(void *opaque); /* transmit may work again */
	void *opaque;
};

/* Makes what config->mode names. NULL after saying why. index is for the default MAC and names. */
struct net_backend *net_backend_create(const struct net_config *config, unsigned index);
struct net_backend *net_tap_create(const struct net_config *config);
struct net_backend *net_user_create(const struct net_config *config);
bool net_user_available(void);

#endif
