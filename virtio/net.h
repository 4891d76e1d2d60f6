/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-net's own parts among themselves (virtio 1.3, 5.1): device, receive side, control queue. */
#ifndef LKVM_VIRTIO_NET_INTERNAL_H
#define LKVM_VIRTIO_NET_INTERNAL_H

#include <linux/virtio_net.h>
#include "lkvm/net/backend.h"
#include "lkvm/virtio/core.h"
#include "lkvm/vm/device-kind.h"
#include "uapi/virtio_net.h"

struct vhost_user;

/* Also the longest chain there can be, so one chain always fits an array of this many. */
#define NET_QUEUE_SIZE 256
/* Buffers taken ahead from a receive queue. One entry more of iov is for the overflow. */
#define NET_RX_IOVS    768
#define NET_RX_CHAINS  NET_QUEUE_SIZE
#define NET_OVERFLOW   (NET_HDR_LEN + NET_MAX_FRAME)
/* Frames one way before the other way gets its turn on the loop. */
#define NET_BATCH      256

/* The header of a legacy driver that did not accept merged buffers: num_buffers is not there. */
#define NET_SHORT_HDR_LEN 10

_Static_assert(sizeof(struct virtio_net_hdr_v1) == NET_HDR_LEN, "virtio 1.3, 5.1.6");
_Static_assert(2 * NET_MAX_PAIRS + 1 <= VIRTIO_MAX_QUEUES, "queues of a device");
_Static_assert(sizeof(struct virtio_net_hdr) == NET_SHORT_HDR_LEN, "virtio 1.3, 5.1.6.1");
_Static_assert(offsetof(struct virtio_net_hdr_v1, num_buffers) == 10, "virtio 1.3, 5.1.6");
_Static_assert(offsetof(struct virtio_net_config, status) == 6, "virtio 1.3, 5.1.4");
_Static_assert(offsetof(struct virtio_net_config, max_virtqueue_pairs) == 8, "virtio 1.3, 5.1.4");
_Static_assert(offsetof(struct virtio_net_config, mtu) == 10, "virtio 1.3, 5.1.4");

/* The features that say what the guest can receive, and that CTRL_GUEST_OFFLOADS switches. */
#define NET_GUEST_OFFLOADS                                                                         \
	(BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) |                             \
	 BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_ECN) |                              \
	 BIT(VIRTIO_NET_F_GUEST_UFO) | BIT(VIRTIO_NET_F_GUEST_USO4) |                              \
	 BIT(VIRTIO_NET_F_GUEST_USO6))
/* With one of these a frame may be larger than the link's MTU. */
#define NET_GUEST_SEGMENTATION                                                                     \
	(NET_GUEST_OFFLOADS & ~(BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_ECN)))

/* Its place in a device: receive queue 2 * index, transmit queue 2 * index + 1. */
struct net_pair {
	struct virtio_net *net;
	unsigned index;
	struct loop *loop;
	/*
	 * All below: the loop's thread, or main and vCPU threads while the device is quiesced.
	 */
	struct virtqueue *rx, *tx;
	bool active;	 /* the driver uses this pair */
	bool rx_live;	 /* the receive queue's notify came since the last quiesce */
	bool rx_starved; /* waits for buffers of the driver */
	bool tx_blocked; /* waits for the back end to take frames again */
	bool take_short; /* the driver gives less than a largest frame needs: go on with that */
	struct loop_timer short_timer;

	/*
	 * Receive buffers taken from the driver and not used yet, oldest first. Chain i's buffers follow
	 * chain i-1's in iov.
	 */
	struct {
		u16 head;
		u16 nr_iov;
		u32 len;
	} chains[NET_RX_CHAINS];
	unsigned nr_chains;
	struct iovec iov[NET_RX_IOVS + 1];
	unsigned nr_iov;
	u64 room;     /* bytes in all of them */
	u8 *overflow; /* NET_OVERFLOW bytes: what of a frame does not fit lands here */

	struct iovec tx_iov[1 + NET_QUEUE_SIZE]; /* the first is for a header of our own */
	u64 rx_frames, rx_dropped, tx_frames, tx_dropped;
};

/* What a guest sees of it, and has set. */
struct net_state {
	_Atomic u64 mac; /* pair 0's loop writes, vCPU threads read; first byte lowest */
	u64 offloads;	 /* GUEST_* bits; pair 0's loop, as the next */
	u32 active_pairs;
	_Atomic u8 link_up; /* any loop writes */
	u8 unused[3];
};
_Static_assert(sizeof(struct net_state) == 24, "no padding");

struct virtio_net {
	struct virtio_device dev;
	struct net_backend *backend;
	u8 default_mac[6];  /* constant */
	unsigned max_pairs; /* constant: what the back end has */
	struct net_state state;
	unsigned ctrl_index; /* activate: the control queue's number */
	unsigned used_pairs; /* activate: how many the driver knows of: 1 without MQ */
	bool merge;	     /* activate: MRG_RXBUF */
	u32 header_len;	     /* activate: of the header in the driver's buffers */
	bool convert; /* activate: that header is not the back ends': shorter, or big-endian */
	/* Pair 0's loop. */
	_Atomic u32 rx_need; /* any loop reads: bytes that hold the largest frame with its header */
	struct iovec ctrl_iov[NET_QUEUE_SIZE];
	struct net_pair *pairs;
};

/*
 * A device with its loops, not attached to a transport and not started. Takes over the back end,
 * also when it fails. Logs and returns NULL on failure.
 */
struct virtio_net *net_device_new(struct vm *vm, struct net_backend *backend, const u8 mac[6],
				  unsigned index);

/* ---- on the pair's loop ---- */

/* A header from the driver's byte order to the back ends', or the reverse: that is the same. */
void net_convert_header(const struct virtio_net *net, struct virtio_net_hdr_v1 *header);
/* Moves frames from the back end to the driver's buffers as far as both go. */
void net_rx_run(struct net_pair *pair);
/* The driver gets back the receive buffers that no frame has used. */
void net_rx_give_back(struct net_pair *pair);
void net_rx_short_expired(struct loop_timer *timer);
/* Tells the back end what the pair waits for. */
void net_pair_watch(struct net_pair *pair);

/* ---- on pair 0's loop ---- */

void net_ctrl_run(struct virtio_net *net, struct virtqueue *vq);
void net_set_mac(struct virtio_net *net, const u8 mac[6]);
/* Takes n pairs in use, the others out of use. 0 or -errno. */
int net_set_pairs(struct virtio_net *net, unsigned n);
/* What the guest takes from now on: GUEST_* bits. */
int net_set_offload(struct virtio_net *net, u64 offloads);

/* For the kind's create; the back end is the device's, also when it fails. Logs and returns -errno. */
int virtio_net_create(struct vm *vm, const struct net_config *config, unsigned index,
		      struct net_backend *backend);

/* net-vhost-user.c: for the kind's open and create, of such a mode; the seat is its own. Both log and return -errno. */
int net_remote_open(struct vhost_user **seat, const struct net_config *config);
int net_remote_create(struct vm *vm, const struct net_config *config, unsigned index,
		      struct vhost_user *seat);

#endif
