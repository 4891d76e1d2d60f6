/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A back end of vhost-user in a thread of the test: it answers as it should, notes what it was told, and at one request of
 * the test's choice does something else.
 */
#ifndef VHOST_BACK_END_H
#define VHOST_BACK_END_H

#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "lkvm/util/types.h"
#include "../../virtio/vhost-user-protocol.h"

/* What is wrong with its answer. */
enum back_end_lie {
	LIE_NONE,
	LIE_REQUEST,  /* another request's number */
	LIE_FLAGS,    /* no reply by its flags */
	LIE_VERSION,  /* of a version that there is not */
	LIE_SHORT,    /* fewer bytes, and so it says */
	LIE_LONG,     /* more */
	LIE_HUGE,     /* 4 GiB by its header */
	LIE_CUT,      /* the end comes in the middle of it */
	LIE_HALF,     /* the second half never comes */
	LIE_FD,	      /* a descriptor with it */
	LIE_MANY_FDS, /* more than there is place for */
	LIE_NO_FD,    /* none where there has to be one */
	LIE_NUMBERS,  /* all bits are set in it */
	LIE_ZERO,     /* none */
	LIE_SILENCE,  /* no answer */
	LIE_END,      /* the end instead of an answer */
	LIE_SLOWLY,   /* the answer, but after some time; each one, at ~0 */
	LIE_REFUSAL,  /* an acknowledgement that says no */
	NR_LIES
};

#define BACK_END_QUEUES 4
#define BACK_END_LOG	512

struct back_end {
	/* The test's, before it begins. */
	u64 features, protocol;
	u64 queues;
	u32 config_size;
	enum back_end_lie lie;
	unsigned lie_at; /* the request */
	/* The thread's; the test's when it is idle. */
	pthread_t thread;
	int listener, fd, channel, inflight;
	_Atomic bool met;		 /* it was asked something */
	unsigned requests[BACK_END_LOG]; /* all that came, in order */
	unsigned nr_requests;
	u64 acked; /* SET_FEATURES */
	struct vhost_user_memory memory;
	int memory_fds[VHOST_USER_MAX_REGIONS];
	unsigned nr_slots;
	struct vhost_user_vring_addr addr[BACK_END_QUEUES];
	u32 size[BACK_END_QUEUES], base[BACK_END_QUEUES];
	_Atomic u32 enabled[BACK_END_QUEUES]; /* the test may wait for it */
	int kick[BACK_END_QUEUES], call[BACK_END_QUEUES], error[BACK_END_QUEUES];
	u64 status;
	u8 config[VHOST_USER_MAX_CONFIG];
};

static inline void back_end_init(struct back_end *b)
{
	*b = (struct back_end){
		.features = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) |
			    BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VHOST_USER_F_PROTOCOL_FEATURES) |
			    5,
		.protocol = ~0ULL,
		.queues = BACK_END_QUEUES,
		.config_size = 60,
		.listener = -1,
		.fd = -1,
		.channel = -1,
		.inflight = -1,
	};
	for (unsigned i = 0; i < BACK_END_QUEUES; i++)
		b->kick[i] = b->call[i] = b->error[i] = -1;
	for (unsigned i = 0; i < VHOST_USER_MAX_REGIONS; i++)
		b->memory_fds[i] = -1;
	for (unsigned i = 0; i < sizeof(b->config); i++)
		b->config[i] = i + 1;
}

static inline void put_fd(int *place, int fd)
{
	if (*place >= 0)
		close(*place);
	*place = fd;
}

static inline bool back_end_read(int fd, void *bytes, size_t size, int *fds, unsigned *nr_fds)
{
	char control[CMSG_SPACE(sizeof(int) * VHOST_USER_MAX_REGIONS)];

	for (size_t done = 0; done < size;) {
		struct iovec iov = { (u8 *)bytes + done, size - done };
		struct msghdr message = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
		struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;

		if (n <= 0)
			return false;
		if (head) {
			*nr_fds = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(head), *nr_fds * sizeof(int));
		}
		done += n;
	}
	return true;
}

static inline void back_end_send(int fd, const void *bytes, size_t size, int passed,
				 unsigned copies)
{
	char control[CMSG_SPACE(sizeof(int) * 16)] = { 0 };
	struct iovec iov = { (void *)bytes, size };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *head;

	if (copies) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * copies);
		head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int) * copies);
		for (unsigned i = 0; i < copies; i++)
			memcpy(CMSG_DATA(head) + i * sizeof(int), &passed, sizeof(int));
	}
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		return;
}

/* Sends it, as well as it lies now. False: the connection is at its end. */
static inline bool back_end_answer(struct back_end *b, struct vhost_user_header *header,
				   union vhost_user_payload *payload, u32 size, int fd)
{
	bool always = b->lie == LIE_SLOWLY && b->lie_at == ~0U;
	enum back_end_lie lie = always || b->lie_at == header->request ? b->lie : LIE_NONE;
	u8 bytes[sizeof(*header) + sizeof(*payload) + 64] = { 0 };
	u32 sent = size;
	unsigned fds = fd >= 0;

	header->flags = VHOST_USER_VERSION | VHOST_USER_REPLY;
	header->size = size;
	switch (lie) {
	case LIE_REQUEST:
		header->request ^= 64;
		break;
	case LIE_FLAGS:
		header->flags = VHOST_USER_VERSION;
		break;
	case LIE_VERSION:
		header->flags ^= VHOST_USER_VERSION_MASK;
		break;
	case LIE_SHORT:
		header->size = sent = size - 1;
		break;
	case LIE_LONG:
		header->size = sent = size + 8;
		break;
	case LIE_HUGE:
		header->size = ~0U;
		break;
	case LIE_CUT:
	case LIE_HALF:
		sent = size / 2;
		break;
	case LIE_FD:
		fds++;
		break;
	case LIE_MANY_FDS:
		fds = 16;
		break;
	case LIE_NO_FD:
		fds = 0;
		break;
	case LIE_NUMBERS:
		memset(payload, 0xff, sizeof(*payload));
		break;
	case LIE_ZERO:
		memset(payload, 0, sizeof(*payload));
		break;
	case LIE_SLOWLY:
		usleep(20000);
		break;
	case LIE_SILENCE:
		return true;
	case LIE_END:
		return false;
	default:
		break;
	}
	memcpy(bytes, header, sizeof(*header));
	memcpy(bytes + sizeof(*header), payload, size);
	back_end_send(b->fd, bytes, sizeof(*header) + sent, fd >= 0 ? fd : 0, fds);
	return lie != LIE_CUT;
}

/* What a request with an answer is answered with; 0: it has none. */
static inline u32 back_end_reply(struct back_end *b, unsigned request,
				 union vhost_user_payload *payload, u32 size, int *fd)
{
	u32 index = payload->state.index;

	switch (request) {
	case VHOST_USER_GET_FEATURES:
		payload->number = b->features;
		return 8;
	case VHOST_USER_GET_PROTOCOL_FEATURES:
		payload->number = b->protocol;
		return 8;
	case VHOST_USER_GET_QUEUE_NUM:
		payload->number = b->queues;
		return 8;
	case VHOST_USER_GET_MAX_MEM_SLOTS:
		payload->number = 8;
		return 8;
	case VHOST_USER_GET_STATUS:
		payload->number = b->status;
		return 8;
	case VHOST_USER_GET_CONFIG:
		memcpy(payload->config.bytes, b->config + payload->config.offset,
		       payload->config.size);
		return size;
	case VHOST_USER_GET_VRING_BASE:
		payload->state.num = b->base[index];
		return 8;
	case VHOST_USER_GET_INFLIGHT_FD:
		put_fd(&b->inflight, memfd_create("inflight", MFD_CLOEXEC));
		payload->inflight.mmap_size = 4096;
		*fd = b->inflight;
		return sizeof(payload->inflight);
	default:
		return 0;
	}
}

static inline void back_end_note(struct back_end *b, unsigned request,
				 union vhost_user_payload *payload, int *fds, unsigned nr_fds)
{
	u32 index = payload->state.index % BACK_END_QUEUES;

	switch (request) {
	case VHOST_USER_SET_FEATURES:
		b->acked = payload->number;
		break;
	case VHOST_USER_SET_MEM_TABLE:
		b->memory = payload->memory;
		for (unsigned i = 0; i < nr_fds; i++)
			put_fd(&b->memory_fds[i], fds[i]);
		return;
	case VHOST_USER_ADD_MEM_REG:
		b->memory.regions[b->nr_slots] = payload->region.region;
		put_fd(&b->memory_fds[b->nr_slots++], fds[0]);
		return;
	case VHOST_USER_SET_VRING_NUM:
		b->size[index] = payload->state.num;
		break;
	case VHOST_USER_SET_VRING_ADDR:
		b->addr[index] = payload->addr;
		break;
	case VHOST_USER_SET_VRING_BASE:
		b->base[index] = payload->state.num;
		break;
	case VHOST_USER_SET_VRING_ENABLE:
		b->enabled[index] = payload->state.num;
		break;
	case VHOST_USER_SET_VRING_KICK:
		put_fd(&b->kick[payload->number], fds[0]);
		return;
	case VHOST_USER_SET_VRING_CALL:
		put_fd(&b->call[payload->number], fds[0]);
		return;
	case VHOST_USER_SET_VRING_ERR:
		put_fd(&b->error[payload->number], fds[0]);
		return;
	case VHOST_USER_SET_BACKEND_REQ_FD:
		put_fd(&b->channel, fds[0]);
		return;
	case VHOST_USER_SET_STATUS:
		b->status = payload->number;
		break;
	case VHOST_USER_SET_CONFIG:
		memcpy(b->config + payload->config.offset, payload->config.bytes,
		       payload->config.size);
		break;
	default:
		break;
	}
	for (unsigned i = 0; i < nr_fds; i++)
		close(fds[i]);
}

/* False: the connection is at its end. */
static inline bool back_end_serve(struct back_end *b)
{
	int fds[VHOST_USER_MAX_REGIONS], fd = -1;
	union vhost_user_payload payload = { 0 };
	struct vhost_user_header header;
	unsigned nr_fds = 0;
	bool refused;
	u32 size;

	if (!back_end_read(b->fd, &header, sizeof(header), fds, &nr_fds) ||
	    header.size > sizeof(payload) ||
	    !back_end_read(b->fd, &payload, header.size, fds, &nr_fds))
		return false;
	b->met = true;
	if (b->nr_requests < BACK_END_LOG)
		b->requests[b->nr_requests++] = header.request;
	size = back_end_reply(b, header.request, &payload, header.size, &fd);
	if (size)
		return back_end_answer(b, &header, &payload, size, fd);
	back_end_note(b, header.request, &payload, fds, nr_fds);
	if (!(header.flags & VHOST_USER_NEED_REPLY))
		return !(b->lie_at == header.request && b->lie == LIE_END);
	refused = b->lie_at == header.request && b->lie == LIE_REFUSAL;
	payload.number = refused;
	return back_end_answer(b, &header, &payload, 8, -1);
}

static inline void *back_end_main(void *arg)
{
	struct back_end *b = arg;

	if (b->fd < 0)
		b->fd = accept(b->listener, NULL, NULL);
	while (b->fd >= 0 && back_end_serve(b))
		;
	if (b->fd >= 0)
		shutdown(b->fd, SHUT_RDWR);
	return NULL;
}

/* On a socket pair: returns the other end. */
static inline int back_end_begin(struct back_end *b)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		abort();
	b->fd = ends[1];
	if (pthread_create(&b->thread, NULL, back_end_main, b))
		abort();
	return ends[0];
}

/* On a path. */
static inline void back_end_listen(struct back_end *b, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, path);
	unlink(path);
	b->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(b->listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(b->listener, 1) || pthread_create(&b->thread, NULL, back_end_main, b))
		abort();
}

/* Its connection is ended if it is not yet. */
static inline void back_end_end(struct back_end *b)
{
	if (b->listener >= 0)
		shutdown(b->listener, SHUT_RDWR);
	if (b->fd >= 0)
		shutdown(b->fd, SHUT_RDWR);
	pthread_join(b->thread, NULL);
	put_fd(&b->fd, -1);
	put_fd(&b->listener, -1);
	put_fd(&b->channel, -1);
	put_fd(&b->inflight, -1);
	for (unsigned i = 0; i < BACK_END_QUEUES; i++) {
		put_fd(&b->kick[i], -1);
		put_fd(&b->call[i], -1);
		put_fd(&b->error[i], -1);
	}
	for (unsigned i = 0; i < VHOST_USER_MAX_REGIONS; i++)
		put_fd(&b->memory_fds[i], -1);
}

#endif
