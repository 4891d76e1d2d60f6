/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the front end have in common: vhost-user.c (the seat), -link.c, -peer.c, -message.c. */
#ifndef VIRTIO_VHOST_USER_PRIVATE_H
#define VIRTIO_VHOST_USER_PRIVATE_H

#include "vhost-user.h"
#include "vhost-user-protocol.h"

/* ---- vhost-user-message.c: one connection, for one thread at a time ---- */

#define VHOST_USER_ANSWER_NS 10000000000ULL
/* A queue is stopped only when the back end is done with what it has taken. */
#define VHOST_USER_STOP_NS   30000000000ULL

struct vhost_user_socket {
	int fd;		      /* -1: none */
	bool ack;	      /* REPLY_ACK is negotiated */
	u64 patience;	      /* ns that an answer may take, and a row of slow ones in all */
	u64 slow, slow_stops; /* ns that they have taken so far; those that stop queues */
	char why[160];	      /* after a failure, a phrase: "it did not answer GET_FEATURES" */
};

/* Descriptors that one message has at most. */
#define VHOST_USER_MAX_FDS VHOST_USER_MAX_REGIONS

/* Messages that have no answer, or an acknowledgement where that was negotiated. 0 or -errno, with `why` filled. */
int vhost_user_set(struct vhost_user_socket *socket, enum vhost_user_request request,
		   const void *payload, u32 size, const int *fds, unsigned nr_fds);
/*
 * Those with an answer, of just `size` bytes, into `payload`, which is what is sent, too, `out_size` bytes of it. fd: a
 * descriptor that comes with it, -1 if none does; NULL: none may.
 */
int vhost_user_get(struct vhost_user_socket *socket, enum vhost_user_request request, void *payload,
		   u32 out_size, u32 size, int *fd);
static inline int vhost_user_get_u64(struct vhost_user_socket *socket,
				     enum vhost_user_request request, u64 *number)
{
	return vhost_user_get(socket, request, number, 0, sizeof(*number), NULL);
}

/* ---- vhost-user-peer.c: a back end that was met, for one thread at a time ---- */

struct vhost_user_peer {
	struct vhost_user_socket socket;
	u64 features; /* all it has */
	u64 protocol; /* VHOST_USER_PROTOCOL_...: what is in use, as bits */
	u64 queues;   /* that it can serve; 0: it did not say */
	u64 slots;    /* regions of memory that it can have */
	int channel;  /* what it asks by itself comes here; -1: nothing does */
	bool has_config;
	struct vhost_user_config config;
};

static inline bool peer_has(const struct vhost_user_peer *peer,
			    enum vhost_user_protocol_feature feature)
{
	return peer->protocol & BIT(feature);
}

/*
 * Gets to know the back end behind `fd`, which is the peer's from here on. -errno: it is not one for this device, and
 * peer->socket.why tells; everything is closed.
 */
int vhost_user_meet(struct vhost_user_peer *peer, const struct vhost_user_want *want, int fd);
void vhost_user_part(struct vhost_user_peer *peer);
/* peer->config anew. */
int vhost_user_read_config(struct vhost_user_peer *peer, u32 size);

/* ---- vhost-user.c ---- */

/* Where one queue's interrupts come. */
struct vhost_user_call {
	struct loop_fd handler;
	struct vhost_user *vu;
	unsigned index;
};

struct vhost_user {
	struct virtio_seat seat;
	struct vhost_user_want want; /* constant, as the next three */
	int folder;		     /* of want.path, so that it can be connected again; -1: none */
	u64 features;
	struct loop *loop;
	struct virtio_device *dev; /* NULL until it serves one */
	bool running;		   /* main thread: the loop's thread exists */
	/* dev->lock; before there is a device, the main thread's. */
	struct vhost_user_peer peer;
	bool lost;		      /* the peer is of no use */
	bool activated;		      /* and knows what the driver wants, until a reset */
	bool has_slots;		      /* and has memory, by ADD_MEM_REG */
	u16 sizes[VIRTIO_MAX_QUEUES]; /* of queues that it knows; 0: it does not */
	int inflight;		      /* the log of requests, for the next peer; -1: none */
	struct vhost_user_inflight inflight_place;
	struct log_limit complaints;
	bool stopping;
	int meeting; /* the same socket as that of a back end which the loop is about to meet; -1: none */
	_Atomic bool config_stale; /* any thread */
	/* The loop's thread. */
	struct loop_fd watch, channel;
	u8 asked[sizeof(struct vhost_user_header)]; /* a message on the channel, so far */
	unsigned nr_asked;			    /* bytes */
	struct loop_timer retry;
	u64 retry_ns;
	struct vhost_user_call calls[VIRTIO_MAX_QUEUES];
	struct loop_fd broken; /* our own process has found a queue broken */
};

/* Its back end, for messages. */
const char *vhost_user_where(const struct vhost_user *vu);
/* dev->lock held: it is of no use any more, for that reason, which is logged once. */
void vhost_user_lose(struct vhost_user *vu, const char *why);
/* dev->lock held: queues that the device believes to be served are, by a peer that was just met. */
void vhost_user_serve_again(struct vhost_user *vu);

/* ---- vhost-user-link.c ---- */

void vhost_user_link_init(struct vhost_user *vu);
/* Connects, and meets who is there. Logs and returns -errno. */
int vhost_user_link(struct vhost_user *vu);
/* For a peer that was just met: its end is seen, and what it asks. 0 or -errno. */
int vhost_user_watch(struct vhost_user *vu);
/* The next back end, which the loop may be waiting for, has no time left. */
void vhost_user_end_meeting(struct vhost_user *vu);
/* Nobody runs the loop any more. */
void vhost_user_unlink(struct vhost_user *vu);

#endif
