/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network back ends: what carries a guest's Ethernet frames on the host. A back end has one or more
 * queue pairs; a pair and the virtio-net queues it serves live on one loop, and everything that
 * names a pair is called on that loop's thread.
 *
 * A frame always comes behind a 12-byte struct virtio_net_hdr_v1.
 */
#ifndef LKVM_NET_BACKEND_H
#define LKVM_NET_BACKEND_H

#include <sys/uio.h>
#include "lkvm/util/types.h"
#include "lkvm/util/loop.h"

#define NET_HDR_LEN	 12
#define NET_MAX_PAIRS	 8
#define NET_DEFAULT_MTU	 1500
#define NET_MAX_FORWARDS 16
/* Ethernet header and one VLAN tag. */
#define NET_L2_LEN	 18
/* The largest frame that is passed either way, without the header before it. */
#define NET_MAX_FRAME	 (65535 + NET_L2_LEN)

enum net_mode { NET_MODE_NONE, NET_MODE_USER, NET_MODE_TAP, NET_MODE_VHOST_USER };

/* As far as anybody wants to know: an older command line does. */
enum net_trans { NET_TRANS_ANY, NET_TRANS_PCI, NET_TRANS_MMIO };

struct net_forward {
	bool udp;
	const char *host_address; /* NULL: 127.0.0.1 */
	u16 host_port;
	const char *guest_address; /* NULL: the DHCP address */
	u16 guest_port;
};

/* What was asked for of one card: the record of virtio/net-options.c. */
struct net_config {
	enum net_mode mode;
	const char *tapif;  /* an existing or wished interface name; NULL: the kernel's choice */
	const char *socket; /* vhost-user: where the back end listens */
	const char *script; /* run with the interface's name once it exists */
	const char *downscript; /* run with it before lkvm ends */
	const char *host_ip;	/* tap: given to the interface; user: the gateway's address */
	const char *guest_ip;	/* user: what DHCP offers */
	bool loopback;		/* user: the guest reaches the host's 127.0.0.1 */
	u8 mac[6];		/* all zero: made from the guest's name and the position */
	unsigned queue_pairs;	/* 0: 1 */
	enum net_trans trans;	/* where it must be, together with all others */
	int fd;			/* an already open tap; -1: none */
	struct net_forward forwards[NET_MAX_FORWARDS];
	unsigned nr_forwards;
};

struct net_backend;

struct net_backend_ops {
	const char *name; /* "tap", "user" */
	/*
	 * Once, before everything else: has the host's side set up as others see it. Opens nothing. Logs and returns
	 * -errno. May be NULL.
	 */
	int (*up)(struct net_backend *backend);
	/*
	 * Sends one frame, len bytes with its header; back ends that do not speak the header skip it. 0;
	 * -EAGAIN: not now, the device keeps it and waits for writable(); other: dropped.
	 */
	int (*transmit)(struct net_backend *backend, unsigned pair, const struct iovec *iov,
			unsigned nr, size_t len);
	/* After a batch of transmits: what they set going is carried on. May be NULL. */
	void (*flush)(struct net_backend *backend, unsigned pair);
	/*
	 * Reads one frame into buffers: its length with the header, 0 when there is none now, -errno
	 * when there never will be one again. A frame longer than the buffers is cut. num_buffers in the
	 * header is the caller's to fill.
	 */
	ssize_t (*receive)(struct net_backend *backend, unsigned pair, const struct iovec *iov,
			   unsigned nr);
	/*
	 * Whether to watch for incoming frames and for writability. While incoming is watched and there
	 * are frames, incoming() is called again and again (level-triggered); the same for writable.
	 */
	void (*watch)(struct net_backend *backend, unsigned pair, bool incoming, bool writable);
	/*
	 * The offloads the guest accepts now, VIRTIO_NET_F_GUEST_* bits out of features. Any thread, while
	 * no pair is being used or on pair 0's loop.
	 */
	int (*set_offload)(struct net_backend *backend, u64 guest_features);
	/*
	 * How many pairs, from the first, get frames; the others are unwatched by then. Called like
	 * set_offload. NULL when there is only one.
	 */
	int (*set_pairs)(struct net_backend *backend, unsigned pairs);
	/* Once, before the loops' threads run; loops[i] is pair i's. 0 or -errno. */
	int (*start)(struct net_backend *backend, struct loop *const *loops);
	/* After the loops' threads have ended: nothing of it is left on the loops. Also without start. */
	void (*stop)(struct net_backend *backend);
	void (*destroy)(struct net_backend *backend);
};

struct net_backend {
	const struct net_backend_ops *ops;
	/* Constant once created. */
	u64 features;	/* VIRTIO_NET_F_* the back end can do: CSUM, HOST_TSO4, GUEST_CSUM ... */
	unsigned pairs; /* 1..NET_MAX_PAIRS */
	u16 mtu;	/* of the link, when it is up */
	/* The device's, set before start; called on the pair's loop. */
	void (*incoming)(void *opaque, unsigned pair); /* frames may be there */
	void (*writable)(void *opaque, unsigned pair); /* transmit may work again */
	void (*link_changed)(void *opaque, bool up);   /* any pair's loop */
	void *opaque;
};

/* Does it take helpers_begin(), before anything else is there? */
bool net_needs_helper(const void *record);

/* Makes what config->mode names. Logs and returns NULL on failure. */
struct net_backend *net_backend_create(const struct net_config *config);
struct net_backend *net_tap_create(const struct net_config *config);
/*
 * After helpers_begin. `config` must live as long. Logs and returns NULL on failure, also when this lkvm was built
 * without libslirp.
 */
struct net_backend *net_user_create(const struct net_config *config);
/* Was it built with libslirp? */
bool net_user_available(void);
/* The version of the libslirp that is installed; NULL: none. Loads it. Main thread. */
const char *net_user_library(void);

/*
 * The MAC address to use: the configured one, or one made from the guest's name and the position:
 * locally administered, unicast, the same for the same name and position.
 */
void net_mac(const struct net_config *config, const char *guest_name, unsigned index, u8 mac[6]);

#endif
