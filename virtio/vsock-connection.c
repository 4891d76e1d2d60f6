// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections of virtio-vsock (virtio 1.3, 5.10.6). What the host sends is read into the guest's buffers when it has some and
 * gave credit; what the guest sends goes to the socket at once, and what that does not take is kept, up to the credit the
 * guest has. Packets that carry no data are bits in `owes`: so a guest that takes none costs nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lkvm/memory/guard.h"
#include "lkvm/util/iov.h"
#include "vsock.h"

/* How long the guest has to answer a request, and our wish to end a connection. */
#define VSOCK_ANSWER_NS	 2000000000ULL
#define VSOCK_BUFFER_MIN 4096U
#define VSOCK_LINE	 32
/* One packet's data at most. */
#define VSOCK_PACKET	 65536U
#define VSOCK_SHUT_BOTH	 (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)
/* Before a seqpacket message in the buffer stands its length, with these. */
#define MESSAGE_COMPLETE BIT(31)
#define MESSAGE_EOR	 BIT(30)
#define MESSAGE_LEN	 (BIT(30) - 1)
#define NO_MESSAGE	 UINT32_MAX

enum vsock_state {
	VSOCK_HELLO, /* a client has not said yet which port it wants; the guest knows nothing */
	VSOCK_REQUESTED, /* the guest was asked */
	VSOCK_DIALING,	 /* the guest asked */
	VSOCK_OPEN,
	VSOCK_LINGER, /* it is over for the guest; the host gets the rest */
	VSOCK_DEAD,   /* the guest is still to hear so */
};

struct vsock_buffer {
	u8 *data;
	u32 at, len, size;
};

struct vsock_connection {
	struct vsock_hub *hub;
	enum vsock_state state;
	u32 id, guest_port, host_port;
	u16 type;
	struct loop_fd fd; /* fd.fd -1: none */
	u32 watched;	   /* events */
	struct loop_timer timer;
	u32 owes; /* bits by operation */
	u8 guest_shut, host_shut;
	bool hashed, queued, undialed;
	bool readable; /* the socket may have something */
	bool eof;      /* it has ended */
	bool hup;      /* and takes nothing any more: not watched */
	bool deaf;     /* it takes nothing: what comes is dropped */
	bool blocked;  /* until it takes more */
	bool asked;    /* for credit */
	bool shut;     /* the guest's end was passed on */
	bool in_eor;
	/* As the guest said, and bytes sent to it. */
	u32 peer_alloc, peer_fwd, tx_cnt;
	/* Bytes of the guest, those that the host took, and of these what the guest was told. */
	u32 rx_cnt, fwd_cnt, fwd_told;
	struct vsock_buffer out;
	u32 message; /* of `out`, seqpacket: where one begins that is not complete, or NO_MESSAGE */
	struct vsock_buffer in; /* seqpacket: the message being sent to the guest */
	char line[VSOCK_LINE];
	unsigned line_len;
	TAILQ_ENTRY(vsock_connection) all, pending, bucket;
};

/* ---- buffers ---- */

static void buffer_drop(struct vsock_buffer *b, u32 len)
{
	b->at += len;
	b->len -= len;
	if (b->len)
		return;
	free(b->data);
	*b = (struct vsock_buffer){ 0 };
}

/* Where `len` more bytes go, which then count. NULL: no memory. */
static u8 *buffer_extend(struct vsock_buffer *b, u32 len)
{
	u32 need = b->len + len, size = MAX(b->size, VSOCK_BUFFER_MIN);
	u8 *data;

	if (b->at && b->at + need > b->size) {
		memmove(b->data, b->data + b->at, b->len);
		b->at = 0;
	}
	while (size < need)
		size *= 2;
	if (size > b->size) {
		data = realloc(b->data, size);
		if (!data)
			return NULL;
		b->data = data;
		b->size = size;
	}
	b->len = need;
	return b->data + b->at + need - len;
}

/* ---- life ---- */

static struct vsock_list *hub_bucket(struct vsock_hub *hub, u32 guest_port, u32 host_port)
{
	return &hub->buckets[(guest_port * 31 + host_port) % VSOCK_BUCKETS];
}

static struct vsock_connection *hub_find(struct vsock_hub *hub, u32 guest_port, u32 host_port)
{
	struct vsock_connection *c;

	TAILQ_FOREACH(c, hub_bucket(hub, guest_port, host_port), bucket)
	if (c->guest_port == guest_port && c->host_port == host_port)
		return c;
	return NULL;
}

static void conn_hash(struct vsock_connection *c)
{
	struct vsock_list *list = hub_bucket(c->hub, c->guest_port, c->host_port);

	TAILQ_INSERT_TAIL(list, c, bucket);
	c->hashed = true;
}

static void conn_unhash(struct vsock_connection *c)
{
	if (c->hashed)
		TAILQ_REMOVE(hub_bucket(c->hub, c->guest_port, c->host_port), c, bucket);
	c->hashed = false;
}

static void conn_unqueue(struct vsock_connection *c)
{
	if (c->queued)
		TAILQ_REMOVE(&c->hub->pending, c, pending);
	c->queued = false;
}

static void conn_close(struct vsock_connection *c)
{
	loop_fd_del(&c->fd);
	if (c->fd.fd >= 0)
		close(c->fd.fd);
	c->fd.fd = -1;
	buffer_drop(&c->out, c->out.len);
	buffer_drop(&c->in, c->in.len);
	c->message = NO_MESSAGE;
}

static void conn_free(struct vsock_connection *c)
{
	struct vsock_hub *hub = c->hub;

	conn_close(c);
	conn_unqueue(c);
	conn_unhash(c);
	loop_timer_cancel(&c->timer);
	TAILQ_REMOVE(&hub->all, c, all);
	free(c);
	if (hub->nr-- == hub->max)
		hub->ops->room(hub);
}

static void on_conn_ready(struct loop_fd *handler, u32 events);
static void on_conn_timer(struct loop_timer *timer);

static struct vsock_connection *conn_new(struct vsock_hub *hub, enum vsock_state state, int fd)
{
	struct vsock_connection *c;

	if (hub->nr >= hub->max)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	hub->nr++;
	c->hub = hub;
	c->id = hub->next_id++;
	c->state = state;
	c->type = VIRTIO_VSOCK_TYPE_STREAM;
	c->fd.fd = fd;
	c->fd.ready = on_conn_ready;
	c->timer.expired = on_conn_timer;
	c->message = NO_MESSAGE;
	TAILQ_INSERT_TAIL(&hub->all, c, all);
	return c;
}

/* ---- what happens next ---- */

static u32 conn_credit(const struct vsock_connection *c)
{
	u32 under_way = c->tx_cnt - c->peer_fwd;

	return under_way < c->peer_alloc ? c->peer_alloc - under_way : 0;
}

static bool conn_has_data(const struct vsock_connection *c)
{
	return c->state == VSOCK_OPEN && (c->readable || c->in.len) && !c->eof &&
	       !(c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV);
}

/* Puts it in line if there is something for the guest. */
static void conn_schedule(struct vsock_connection *c)
{
	bool data = conn_has_data(c);

	if (data && !conn_credit(c) && !c->asked) {
		c->asked = true;
		c->owes |= BIT(VIRTIO_VSOCK_OP_CREDIT_REQUEST);
	}
	if (c->queued || !(c->owes || (data && conn_credit(c))))
		return;
	TAILQ_INSERT_TAIL(&c->hub->pending, c, pending);
	c->queued = true;
	c->hub->ops->wake(c->hub);
}

static void conn_owe(struct vsock_connection *c, unsigned op)
{
	c->owes |= BIT(op);
	conn_schedule(c);
}

/* Its events, as long as they would change anything. What has hung up would be told of again and again. */
static void conn_watch(struct vsock_connection *c)
{
	u32 events = 0;

	if (c->fd.fd < 0)
		return;
	if (c->hup) {
		loop_fd_del(&c->fd);
		return;
	}
	if (c->state == VSOCK_HELLO || (c->state == VSOCK_OPEN && !c->readable && !c->eof &&
					!(c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV)))
		events |= EPOLLIN;
	if (c->blocked)
		events |= EPOLLOUT;
	if (!c->fd.loop)
		loop_fd_add(c->hub->loop, &c->fd, events);
	else if (events != c->watched)
		loop_fd_mod(&c->fd, events);
	c->watched = events;
}

/* Over at once, for both sides. */
static void conn_reset(struct vsock_connection *c)
{
	conn_close(c);
	loop_timer_cancel(&c->timer);
	c->state = VSOCK_DEAD;
	c->owes = BIT(VIRTIO_VSOCK_OP_RST);
	conn_schedule(c);
}

/* The socket has ended for both directions; the guest is to agree. */
static void conn_host_shut(struct vsock_connection *c, u8 flags)
{
	if ((c->host_shut | flags) == c->host_shut)
		return;
	c->host_shut |= flags;
	conn_owe(c, VIRTIO_VSOCK_OP_SHUTDOWN);
	if (c->host_shut == VSOCK_SHUT_BOTH)
		loop_timer_set(c->hub->loop, &c->timer, VSOCK_ANSWER_NS);
}

static void on_conn_timer(struct loop_timer *timer)
{
	struct vsock_connection *c = CONTAINER_OF(timer, struct vsock_connection, timer);

	/* A paused guest answers nothing, and is not to blame. */
	if (c->hub->active && !c->hub->running)
		loop_timer_set(c->hub->loop, timer, VSOCK_ANSWER_NS);
	else if (c->owes & BIT(VIRTIO_VSOCK_OP_REQUEST))
		conn_free(c); /* it never heard of it */
	else
		conn_reset(c);
}

/* ---- guest to host ---- */

/* The host took so much, or it was dropped. */
static void conn_forwarded(struct vsock_connection *c, u32 len)
{
	c->fwd_cnt += len;
	if (c->state != VSOCK_OPEN || c->fwd_cnt == c->fwd_told)
		return;
	/* A seqpacket sender may wait for space for all of its message. */
	if (c->fwd_cnt - c->fwd_told >= VSOCK_BUFFER / 4 ||
	    (c->type == VIRTIO_VSOCK_TYPE_SEQPACKET && !c->out.len))
		conn_owe(c, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
}

static void conn_deaf(struct vsock_connection *c)
{
	u32 held = c->rx_cnt - c->fwd_cnt;

	c->deaf = true;
	buffer_drop(&c->out, c->out.len);
	c->message = NO_MESSAGE;
	conn_forwarded(c, held);
	if (c->state == VSOCK_OPEN)
		conn_host_shut(c, VIRTIO_VSOCK_SHUTDOWN_RCV);
}

/* Bytes; 0: not now, or never: then it is deaf. */
static u32 conn_send(struct vsock_connection *c, const struct iovec *iov, unsigned nr, int flags)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = nr };
	ssize_t n = sendmsg(c->fd.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT | flags);

	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)
		c->blocked = true;
	else
		conn_deaf(c);
	return 0;
}

static void flush_stream(struct vsock_connection *c)
{
	while (c->out.len && !c->blocked) {
		struct iovec iov = { c->out.data + c->out.at, c->out.len };
		u32 n = conn_send(c, &iov, 1, 0);

		if (!n)
			return;
		buffer_drop(&c->out, n);
		conn_forwarded(c, n);
	}
}

static void flush_messages(struct vsock_connection *c)
{
	while (c->out.len && c->message != 0 && !c->blocked) {
		struct iovec iov = { c->out.data + c->out.at + sizeof(u32), 0 };
		u32 head, len;

		memcpy(&head, c->out.data + c->out.at, sizeof(head));
		iov.iov_len = len = head & MESSAGE_LEN;
		if (!conn_send(c, &iov, 1, head & MESSAGE_EOR ? MSG_EOR : 0))
			return;
		if (c->message != NO_MESSAGE)
			c->message -= sizeof(head) + len;
		buffer_drop(&c->out, sizeof(head) + len);
		conn_forwarded(c, len);
	}
}

/* False: it was freed. */
static bool conn_flush(struct vsock_connection *c)
{
	c->blocked = false;
	if (c->type == VIRTIO_VSOCK_TYPE_STREAM)
		flush_stream(c);
	else
		flush_messages(c);
	if (!c->blocked && (c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) && !c->shut) {
		shutdown(c->fd.fd, SHUT_WR);
		c->shut = true;
	}
	if (c->state == VSOCK_LINGER && !c->blocked) {
		conn_free(c);
		return false;
	}
	return true;
}

/* What the socket does not take at once is kept. */
static int take_stream(struct vsock_connection *c, struct iovec *iov, unsigned nr, u32 len)
{
	struct iov_window window;
	u32 sent = 0;
	u8 *place;

	if (!c->out.len && !c->blocked) {
		iov_window_open(&window, iov, nr, VSOCK_HDR_LEN, len);
		sent = conn_send(c, window.iov, window.nr, 0);
		iov_window_close(&window);
		conn_forwarded(c, c->deaf ? 0 : sent);
	}
	if (sent == len || c->deaf)
		return 0;
	place = buffer_extend(&c->out, len - sent);
	if (!place)
		return -ENOMEM;
	iov_read(iov, nr, VSOCK_HDR_LEN + sent, place, len - sent);
	c->blocked = true;
	return 0;
}

static int take_message(struct vsock_connection *c, struct iovec *iov, unsigned nr, u32 len,
			u32 flags)
{
	u32 head = 0;
	u8 *place;

	if (c->message == NO_MESSAGE) {
		/* An empty one would look like the end to who reads it. */
		if (!len)
			return 0;
		c->message = c->out.len;
		place = buffer_extend(&c->out, sizeof(head));
		if (!place)
			return -ENOMEM;
		memcpy(place, &head, sizeof(head));
	}
	if (len) {
		place = buffer_extend(&c->out, len);
		if (!place)
			return -ENOMEM;
		iov_read(iov, nr, VSOCK_HDR_LEN, place, len);
	}
	memcpy(&head, c->out.data + c->out.at + c->message, sizeof(head));
	head += len;
	if (flags & VIRTIO_VSOCK_SEQ_EOR)
		head |= MESSAGE_EOR;
	if (flags & VIRTIO_VSOCK_SEQ_EOM)
		head |= MESSAGE_COMPLETE;
	memcpy(c->out.data + c->out.at + c->message, &head, sizeof(head));
	if (head & MESSAGE_COMPLETE) {
		c->message = NO_MESSAGE;
		if (!c->blocked)
			flush_messages(c);
	}
	return 0;
}

static void conn_take(struct vsock_connection *c, struct iovec *iov, unsigned nr, u32 len,
		      u32 flags)
{
	int err = 0;

	if (c->state != VSOCK_OPEN || (c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_SEND) ||
	    len > VSOCK_BUFFER - (c->rx_cnt - c->fwd_cnt)) {
		conn_reset(c);
		return;
	}
	c->rx_cnt += len;
	c->hub->sent += len;
	if (c->deaf)
		conn_forwarded(c, len);
	else if (c->type == VIRTIO_VSOCK_TYPE_SEQPACKET)
		err = take_message(c, iov, nr, len, flags);
	else if (len)
		err = take_stream(c, iov, nr, len);
	if (err)
		conn_reset(c);
}

static void conn_guest_shut(struct vsock_connection *c, u32 flags)
{
	if (c->state != VSOCK_OPEN) {
		conn_reset(c);
		return;
	}
	c->guest_shut |= flags & VSOCK_SHUT_BOTH;
	if (c->guest_shut & VIRTIO_VSOCK_SHUTDOWN_RCV)
		shutdown(c->fd.fd, SHUT_RD);
	if (c->guest_shut != VSOCK_SHUT_BOTH) {
		if (!c->blocked)
			conn_flush(c);
		return;
	}
	if (!c->blocked || c->hup) {
		conn_reset(c);
		return;
	}
	/* The guest may use the ports again at once; the host has not read all yet. */
	conn_unqueue(c);
	conn_unhash(c);
	loop_timer_cancel(&c->timer);
	c->owes = 0;
	c->state = VSOCK_LINGER;
}

/* ---- packets of the guest's ---- */

static void hub_refuse(struct vsock_hub *hub, const struct virtio_vsock_hdr *hdr)
{
	struct vsock_refusal *refusal;

	if (le16toh(hdr->op) == VIRTIO_VSOCK_OP_RST || vsock_hub_full(hub))
		return;
	refusal = &hub->refusals[(hub->first_refusal + hub->nr_refusals++) % VSOCK_REFUSALS];
	*refusal = (struct vsock_refusal){ .src_cid = le64toh(hdr->dst_cid),
					   .src_port = le32toh(hdr->dst_port),
					   .dst_port = le32toh(hdr->src_port),
					   .type = le16toh(hdr->type) };
	hub->ops->wake(hub);
}

static void conn_dial(struct vsock_connection *c)
{
	int err = c->hub->ops->dial(c->hub, c->id, c->host_port, c->type);

	c->undialed = err == -EAGAIN;
	if (err && !c->undialed)
		conn_reset(c);
}

static void conn_learn_credit(struct vsock_connection *c, const struct virtio_vsock_hdr *hdr)
{
	c->peer_alloc = le32toh(hdr->buf_alloc);
	c->peer_fwd = le32toh(hdr->fwd_cnt);
	if (conn_credit(c))
		c->asked = false;
}

static void hub_request(struct vsock_hub *hub, const struct virtio_vsock_hdr *hdr)
{
	struct vsock_connection *c = conn_new(hub, VSOCK_DIALING, -1);

	if (!c) {
		if (log_limit_ok(&hub->complaints))
			log_warning("virtio-vsock: a connection of the guest's is refused: there "
				    "are %u, of %u at most",
				    hub->nr, hub->max);
		hub_refuse(hub, hdr);
		return;
	}
	c->type = le16toh(hdr->type);
	c->guest_port = le32toh(hdr->src_port);
	c->host_port = le32toh(hdr->dst_port);
	conn_hash(c);
	conn_learn_credit(c, hdr);
	conn_dial(c);
}

/* The guest accepts what a client of the host's wanted. */
static void conn_accepted(struct vsock_connection *c)
{
	char line[VSOCK_LINE];
	int len = snprintf(line, sizeof(line), "OK %" PRIu32 "\n", c->host_port);

	if (c->state != VSOCK_REQUESTED) {
		conn_reset(c);
		return;
	}
	loop_timer_cancel(&c->timer);
	c->state = VSOCK_OPEN;
	if (send(c->fd.fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT) != len)
		conn_deaf(c);
}

static void conn_packet(struct vsock_connection *c, const struct virtio_vsock_hdr *hdr,
			struct iovec *iov, unsigned nr)
{
	conn_learn_credit(c, hdr);
	switch (le16toh(hdr->op)) {
	case VIRTIO_VSOCK_OP_RESPONSE:
		conn_accepted(c);
		break;
	case VIRTIO_VSOCK_OP_RW:
		conn_take(c, iov, nr, le32toh(hdr->len), le32toh(hdr->flags));
		break;
	case VIRTIO_VSOCK_OP_SHUTDOWN:
		conn_guest_shut(c, le32toh(hdr->flags));
		break;
	case VIRTIO_VSOCK_OP_CREDIT_UPDATE:
		break;
	case VIRTIO_VSOCK_OP_CREDIT_REQUEST:
		c->owes |= BIT(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
		break;
	default:
		conn_reset(c);
	}
}

void vsock_hub_packet(struct vsock_hub *hub, struct iovec *iov, unsigned nr, u32 len)
{
	struct virtio_vsock_hdr hdr;
	struct vsock_connection *c;
	u16 op;

	if (iov_read(iov, nr, 0, &hdr, sizeof(hdr)) != sizeof(hdr) ||
	    le64toh(hdr.src_cid) != hub->guest_cid)
		return;
	op = le16toh(hdr.op);
	c = le64toh(hdr.dst_cid) == VSOCK_HOST_CID
		    ? hub_find(hub, le32toh(hdr.src_port), le32toh(hdr.dst_port))
		    : NULL;
	if (c && op == VIRTIO_VSOCK_OP_RST) {
		conn_free(c);
	} else if (c && c->state == VSOCK_DEAD) {
		return; /* it hears so soon */
	} else if (c && (le32toh(hdr.len) != len - VSOCK_HDR_LEN || le16toh(hdr.type) != c->type)) {
		conn_reset(c);
	} else if (c) {
		conn_packet(c, &hdr, iov, nr);
		if (c->state == VSOCK_LINGER)
			hub_refuse(hub, &hdr);
		conn_schedule(c);
		conn_watch(c);
	} else if (op == VIRTIO_VSOCK_OP_REQUEST && le64toh(hdr.dst_cid) == VSOCK_HOST_CID &&
		   (le16toh(hdr.type) == VIRTIO_VSOCK_TYPE_STREAM ||
		    le16toh(hdr.type) == VIRTIO_VSOCK_TYPE_SEQPACKET)) {
		hub_request(hub, &hdr);
	} else {
		hub_refuse(hub, &hdr);
	}
}

/* ---- packets for the guest ---- */

static void put_header(const struct iovec *iov, unsigned nr, const struct virtio_vsock_hdr *hdr)
{
	iov_write(iov, nr, 0, hdr, sizeof(*hdr));
}

static u32 conn_put(struct vsock_connection *c, const struct iovec *iov, unsigned nr, unsigned op,
		    u32 len, u32 flags)
{
	const struct virtio_vsock_hdr hdr = {
		.src_cid = htole64(VSOCK_HOST_CID),
		.dst_cid = htole64(c->hub->guest_cid),
		.src_port = htole32(c->host_port),
		.dst_port = htole32(c->guest_port),
		.len = htole32(len),
		.type = htole16(c->type),
		.op = htole16(op),
		.flags = htole32(flags),
		.buf_alloc = htole32(VSOCK_BUFFER),
		.fwd_cnt = htole32(c->fwd_cnt),
	};

	put_header(iov, nr, &hdr);
	c->fwd_told = c->fwd_cnt;
	c->tx_cnt += len;
	c->hub->received += len;
	c->owes &= ~BIT(VIRTIO_VSOCK_OP_CREDIT_UPDATE);
	return VSOCK_HDR_LEN + len;
}

static u32 put_refusal(struct vsock_hub *hub, const struct iovec *iov, unsigned nr)
{
	const struct vsock_refusal *refusal = &hub->refusals[hub->first_refusal];
	const struct virtio_vsock_hdr hdr = {
		.src_cid = htole64(refusal->src_cid),
		.dst_cid = htole64(hub->guest_cid),
		.src_port = htole32(refusal->src_port),
		.dst_port = htole32(refusal->dst_port),
		.type = htole16(refusal->type),
		.op = htole16(VIRTIO_VSOCK_OP_RST),
	};

	hub->first_refusal = (hub->first_refusal + 1) % VSOCK_REFUSALS;
	hub->nr_refusals--;
	put_header(iov, nr, &hdr);
	return VSOCK_HDR_LEN;
}

static bool hung_up(int fd)
{
	struct pollfd one = { fd, 0, 0 };

	return poll(&one, 1, 0) > 0 && (one.revents & (POLLHUP | POLLERR));
}

/* Nothing was read: what that means. */
static void conn_read_none(struct vsock_connection *c, ssize_t n, int err)
{
	if (n < 0 && (err == EAGAIN || err == EINTR)) {
		c->readable = false;
		return;
	}
	if (n < 0) {
		conn_reset(c);
		return;
	}
	c->eof = true;
	c->readable = false;
	conn_host_shut(c,
		       c->hup || hung_up(c->fd.fd) ? VSOCK_SHUT_BOTH : VIRTIO_VSOCK_SHUTDOWN_SEND);
}

/* Bytes of data for a packet in a buffer of `space`. */
static u32 conn_room(const struct vsock_connection *c, u32 space)
{
	u32 room = MIN(space - VSOCK_HDR_LEN, VSOCK_PACKET);

	return MIN(conn_credit(c), room);
}

static u32 fill_stream(struct vsock_connection *c, struct iovec *iov, unsigned nr, u32 space)
{
	u32 len = conn_room(c, space);
	struct iov_window window;
	struct msghdr message = { 0 };
	ssize_t n;
	int err;

	iov_window_open(&window, iov, nr, VSOCK_HDR_LEN, len);
	message.msg_iov = window.iov;
	message.msg_iovlen = window.nr;
	n = recvmsg(c->fd.fd, &message, MSG_DONTWAIT);
	err = errno;
	if (n < 0 && err == EFAULT)
		memory_guard_check_iov(window.iov, window.nr);
	iov_window_close(&window);
	if (n > 0)
		return conn_put(c, iov, nr, VIRTIO_VSOCK_OP_RW, n, 0);
	conn_read_none(c, n, err);
	return 0;
}

/* The next message, whole. False: there is none. */
static bool read_message(struct vsock_connection *c)
{
	u8 *place = buffer_extend(&c->in, VSOCK_BUFFER);
	struct iovec iov = { place, VSOCK_BUFFER };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct pollfd end = { c->fd.fd, POLLRDHUP, 0 };
	ssize_t n;
	int err;

	if (!place) {
		conn_reset(c);
		return false;
	}
	n = recvmsg(c->fd.fd, &message, MSG_DONTWAIT);
	err = errno;
	buffer_drop(&c->in, VSOCK_BUFFER - MAX(n, 0));
	if (n > 0 && (message.msg_flags & MSG_TRUNC)) {
		conn_reset(c);
		return false;
	}
	if (n > 0) {
		c->in.at = 0;
		c->in_eor = message.msg_flags & MSG_EOR;
		return true;
	}
	/* An empty message looks like the end. It is left out. */
	if (n < 0 || c->hup || poll(&end, 1, 0) > 0)
		conn_read_none(c, n, err);
	return false;
}

static u32 fill_message(struct vsock_connection *c, struct iovec *iov, unsigned nr, u32 space)
{
	u32 len, flags = 0, put;

	if (!c->in.len && !read_message(c))
		return 0;
	len = MIN(conn_room(c, space), c->in.len);
	if (len == c->in.len)
		flags = VIRTIO_VSOCK_SEQ_EOM | (c->in_eor ? VIRTIO_VSOCK_SEQ_EOR : 0);
	put = conn_put(c, iov, nr, VIRTIO_VSOCK_OP_RW, len, flags);
	iov_write(iov, nr, VSOCK_HDR_LEN, c->in.data + c->in.at, len);
	buffer_drop(&c->in, len);
	return put;
}

static u32 fill_owed(struct vsock_connection *c, const struct iovec *iov, unsigned nr)
{
	/* In this order. */
	static const u8 ops[] = { VIRTIO_VSOCK_OP_RST,		 VIRTIO_VSOCK_OP_REQUEST,
				  VIRTIO_VSOCK_OP_RESPONSE,	 VIRTIO_VSOCK_OP_SHUTDOWN,
				  VIRTIO_VSOCK_OP_CREDIT_UPDATE, VIRTIO_VSOCK_OP_CREDIT_REQUEST };
	unsigned op = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(ops) && !op; i++)
		op = c->owes & BIT(ops[i]) ? ops[i] : 0;
	c->owes &= ~BIT(op);
	return conn_put(c, iov, nr, op, 0, op == VIRTIO_VSOCK_OP_SHUTDOWN ? c->host_shut : 0);
}

static u32 conn_fill(struct vsock_connection *c, struct iovec *iov, unsigned nr, u32 space)
{
	u32 put = 0;

	if (c->owes)
		put = fill_owed(c, iov, nr);
	else if (conn_has_data(c) && conn_credit(c))
		put = c->type == VIRTIO_VSOCK_TYPE_STREAM ? fill_stream(c, iov, nr, space)
							  : fill_message(c, iov, nr, space);
	if (c->state == VSOCK_DEAD && !c->owes) {
		conn_free(c);
		return put;
	}
	conn_schedule(c);
	conn_watch(c);
	return put;
}

u32 vsock_hub_fill(struct vsock_hub *hub, struct iovec *iov, unsigned nr, u32 space)
{
	struct vsock_connection *c;
	u32 put = 0;

	if (hub->nr_refusals)
		return put_refusal(hub, iov, nr);
	while (!put && (c = TAILQ_FIRST(&hub->pending))) {
		conn_unqueue(c);
		put = conn_fill(c, iov, nr, space);
	}
	return put;
}

/* ---- the host's side ---- */

/* A number without signs or blanks. */
static bool parse_port(const char *text, u32 *port)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	value = strtoull(text, &end, 10);
	*port = value;
	return !*end && value < UINT32_MAX;
}

static u32 hub_new_port(struct vsock_hub *hub, u32 guest_port)
{
	do {
		hub->next_port = VSOCK_PORTS + (hub->next_port + 1) % VSOCK_PORTS;
	} while (hub_find(hub, guest_port, hub->next_port));
	return hub->next_port;
}

static void conn_ask_guest(struct vsock_connection *c, u32 port)
{
	c->guest_port = port;
	c->host_port = hub_new_port(c->hub, port);
	c->state = VSOCK_REQUESTED;
	c->readable = true;
	conn_hash(c);
	loop_timer_set(c->hub->loop, &c->timer, VSOCK_ANSWER_NS);
	conn_owe(c, VIRTIO_VSOCK_OP_REQUEST);
	conn_watch(c);
}

/* Reads no byte past the line's end: those are the guest's. */
static void conn_read_line(struct vsock_connection *c)
{
	static const char word[] = "CONNECT ";
	u32 port;

	for (;;) {
		char *next = &c->line[c->line_len];
		ssize_t n = recv(c->fd.fd, next, 1, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR) && !c->hup)
			return;
		if (n <= 0)
			break;
		if (*next == '\n') {
			*next = '\0';
			if (strncmp(c->line, word, strlen(word)) ||
			    !parse_port(c->line + strlen(word), &port))
				break;
			conn_ask_guest(c, port);
			return;
		}
		if (!*next || ++c->line_len == sizeof(c->line))
			break;
	}
	conn_free(c);
}

static void on_conn_ready(struct loop_fd *handler, u32 events)
{
	struct vsock_connection *c = CONTAINER_OF(handler, struct vsock_connection, fd);

	if (events & (EPOLLHUP | EPOLLERR))
		c->hup = true;
	if (c->state == VSOCK_HELLO) {
		conn_read_line(c);
		return;
	}
	if (c->blocked && (c->hup || (events & EPOLLOUT)) && !conn_flush(c))
		return;
	if (c->hup || (events & EPOLLIN))
		c->readable = !c->eof;
	if (c->hup && c->eof && c->state == VSOCK_OPEN)
		conn_host_shut(c, VSOCK_SHUT_BOTH);
	conn_schedule(c);
	conn_watch(c);
}

int vsock_hub_accept(struct vsock_hub *hub, int fd)
{
	struct vsock_connection *c = conn_new(hub, VSOCK_HELLO, fd);

	if (!c)
		return -ENOSPC;
	conn_watch(c);
	return 0;
}

static struct vsock_connection *hub_find_dialing(struct vsock_hub *hub, u32 id)
{
	struct vsock_connection *c;

	TAILQ_FOREACH(c, &hub->all, all)
	if (c->state == VSOCK_DIALING && c->id == id)
		return c;
	return NULL;
}

static void hub_dial_again(struct vsock_hub *hub)
{
	struct vsock_connection *c;

	TAILQ_FOREACH(c, &hub->all, all)
	if (c->state == VSOCK_DIALING && c->undialed)
		conn_dial(c);
}

void vsock_hub_dialed(struct vsock_hub *hub, u32 id, int fd)
{
	struct vsock_connection *c = hub_find_dialing(hub, id);

	if (!c && fd >= 0)
		close(fd);
	if (c && fd < 0)
		conn_reset(c);
	if (c && fd >= 0) {
		c->fd.fd = fd;
		c->state = VSOCK_OPEN;
		conn_owe(c, VIRTIO_VSOCK_OP_RESPONSE);
		conn_watch(c);
	}
	hub_dial_again(hub);
}

/* ---- the hub ---- */

void vsock_hub_init(struct vsock_hub *hub)
{
	TAILQ_INIT(&hub->all);
	TAILQ_INIT(&hub->pending);
	for (unsigned i = 0; i < VSOCK_BUCKETS; i++)
		TAILQ_INIT(&hub->buckets[i]);
}

static void hub_end(struct vsock_hub *hub, bool clients)
{
	struct vsock_connection *c, *next;

	for (c = TAILQ_FIRST(&hub->all); c; c = next) {
		next = TAILQ_NEXT(c, all);
		if (clients || (c->state != VSOCK_HELLO && c->state != VSOCK_LINGER))
			conn_free(c);
	}
	hub->nr_refusals = 0;
}

void vsock_hub_reset(struct vsock_hub *hub)
{
	hub_end(hub, false);
}

void vsock_hub_exit(struct vsock_hub *hub)
{
	hub_end(hub, true);
}
