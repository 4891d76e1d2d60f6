/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-vsock in the process, in three pieces: the device (vsock-device.c), the connections between the guest's ports and sockets of the host's
 * (vsock-connection.c), and how those sockets come (vsock-host.c). All is the device's loop's thread's unless said otherwise.
 */
#ifndef LKVM_VIRTIO_VSOCK_H
#define LKVM_VIRTIO_VSOCK_H

#include <jansson.h>
#include <linux/virtio_vsock.h>
#include <sys/uio.h>
#include "lkvm/util/helper.h"
#include "lkvm/util/list.h"
#include "lkvm/util/log.h"
#include "lkvm/util/loop.h"

#define VSOCK_HOST_CID 2
#define VSOCK_HDR_LEN  ((u32)sizeof(struct virtio_vsock_hdr))
/* What the guest may send on a connection before the host has read it, in bytes; a seqpacket message is no longer. */
#define VSOCK_BUFFER   65536U
/* Connections at once. */
#define VSOCK_MAX      1024U
/* Refusals that wait for the guest's receive buffers; no packet is taken of it while there are so many. */
#define VSOCK_REFUSALS 128
#define VSOCK_BUCKETS  256
/* Ports of the host's side of connections that it began. */
#define VSOCK_PORTS    (1U << 30)

_Static_assert(sizeof(struct virtio_vsock_hdr) == 44, "virtio 1.3, 5.10.6");
_Static_assert(sizeof(struct virtio_vsock_config) == 8, "virtio 1.3, 5.10.4");
_Static_assert(sizeof(struct virtio_vsock_event) == 4, "virtio 1.3, 5.10.6.7");

struct vsock_hub;
struct vsock_connection;

struct vsock_hub_ops {
	/* There is a packet for the guest. May be called at any point: only take note. */
	void (*wake)(struct vsock_hub *hub);
	/*
	 * Connects to who listens for the guest's port; vsock_hub_dialed() follows, later. -EAGAIN: not now, try again
	 * after the next of those; -errno: not at all.
	 */
	int (*dial)(struct vsock_hub *hub, u32 id, u32 port, u16 type);
	/* There was no place for connections, and is one now. */
	void (*room)(struct vsock_hub *hub);
};

struct vsock_refusal {
	u64 src_cid;
	u32 src_port, dst_port;
	u16 type;
};

TAILQ_HEAD(vsock_list, vsock_connection);

struct vsock_hub {
	/* Constant. */
	const struct vsock_hub_ops *ops;
	struct loop *loop;
	u64 guest_cid;
	unsigned max; /* connections */

	_Atomic unsigned nr;	    /* written by the loop's thread, as the next two */
	_Atomic u64 sent, received; /* bytes from and to the guest */
	bool active;		    /* there is a driver; the device sets it */
	bool running;		    /* it is not paused; the device sets it */
	u32 next_id, next_port;
	struct vsock_list all, pending; /* pending: what has something for the guest */
	struct vsock_list buckets[VSOCK_BUCKETS];
	struct vsock_refusal refusals[VSOCK_REFUSALS];
	unsigned first_refusal, nr_refusals;
	struct log_limit complaints;
};

/* `hub` is zero but for its constant part. */
void vsock_hub_init(struct vsock_hub *hub);
/* Ends all connections that the guest knows of: their sockets are closed, and it hears nothing. */
void vsock_hub_reset(struct vsock_hub *hub);
/* All of them, at the end. */
void vsock_hub_exit(struct vsock_hub *hub);

/* A packet of the guest's, of `len` bytes. Not while vsock_hub_full(). */
void vsock_hub_packet(struct vsock_hub *hub, struct iovec *iov, unsigned nr, u32 len);
static inline bool vsock_hub_full(const struct vsock_hub *hub)
{
	return hub->nr_refusals == VSOCK_REFUSALS;
}

static inline bool vsock_hub_pending(const struct vsock_hub *hub)
{
	return hub->nr_refusals || !TAILQ_EMPTY(&hub->pending);
}

/* Makes the next packet for the guest in a buffer of `space` bytes, which are more than a header's: its length; 0: none. */
u32 vsock_hub_fill(struct vsock_hub *hub, struct iovec *iov, unsigned nr, u32 space);

/* A client of the host's, who is to say by a line where it wants to go. Takes fd, non-blocking. -ENOSPC: keeps it not. */
int vsock_hub_accept(struct vsock_hub *hub, int fd);
/* The answer to ops->dial. Takes fd, non-blocking; -1: nobody is there. */
void vsock_hub_dialed(struct vsock_hub *hub, u32 id, int fd);

/* ---- sockets of the host's ---- */

struct vsock_host {
	struct vsock_hub *hub; /* set before vsock_host_start */
	struct loop_fd listener, answers;
	struct loop_timer again; /* accepts after an error */
	struct helper helper;	 /* connects */
	int folder;		 /* O_PATH, of the socket */
	char name[108];		 /* of the socket, in there */
	u64 inode;		 /* of the socket; 0: not made */
	bool helper_lost;
};

/* Before the guest exists: listens on `path`, prepares connecting. Logs and returns -errno. */
int vsock_host_open(struct vsock_host **host, const char *path);
/* Removes the socket. The loop does not run. */
void vsock_host_close(struct vsock_host *host);
/* Before the loop runs. 0 or -errno. */
int vsock_host_start(struct vsock_host *host, struct vsock_hub *hub);
/* As vsock_hub_ops has them. */
int vsock_host_dial(struct vsock_host *host, u32 id, u32 port, u16 type);
void vsock_host_room(struct vsock_host *host);

/* ---- the device ---- */

struct device;
struct vm;

/* Makes and attaches it; takes host, also on failure. Logs and returns -errno. Main thread. */
int vsock_device_create(struct vm *vm, struct vsock_host *host, u32 cid);
/* As a kind's stat; nothing for other devices. Any thread. */
void vsock_device_stat(struct device *device, json_t *part);

#endif
