// SPDX-License-Identifier: GPL-2.0-or-later
/* The messages of a helper's queue server. lkvm sends them; one that makes no sense ends the helper. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "vhost-user-server-private.h"

#define SERVER_FEATURES                                                                            \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_RESET) | BIT(VIRTIO_RING_F_INDIRECT_DESC) |   \
	 BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(VHOST_USER_F_PROTOCOL_FEATURES))
#define SERVER_PROTOCOL                                                                            \
	(BIT(VHOST_USER_PROTOCOL_MQ) | BIT(VHOST_USER_PROTOCOL_REPLY_ACK) |                        \
	 BIT(VHOST_USER_PROTOCOL_RESET_DEVICE))

#define MAX_FDS VHOST_USER_MAX_REGIONS

struct message {
	struct vhost_user_header header;
	union vhost_user_payload payload;
	int fds[MAX_FDS]; /* those a handler keeps it sets to -1 */
	unsigned nr_fds;
	bool answer; /* the payload, header.size bytes, is the answer */
};

/* ---- memory ---- */

static void forget_memory(struct server *server)
{
	for (unsigned i = 0; i < server->memory.nr_regions; i++)
		munmap(server->memory.regions[i].hva, server->memory.regions[i].size);
	guest_memory_init(&server->memory);
	server->table.nr = 0;
}

static int map_region(struct server *server, const struct vhost_user_region *region, int fd)
{
	void *hva = mmap(NULL, region->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd,
			 region->offset);
	int err;

	if (hva == MAP_FAILED)
		return -errno;
	/* Advice only, as lkvm gives it to its own mapping. */
	madvise(hva, region->size, MADV_HUGEPAGE);
	err = guest_memory_add_buffer(&server->memory, region->gpa, hva, region->size);
	if (err)
		munmap(hva, region->size);
	return err;
}

/* A queue that was stopped still has its rings there, and requests that wait their buffers. */
static bool memory_in_use(const struct server *server)
{
	for (unsigned i = 0; i < server->want.queues; i++)
		if (server->queues[i].vq.state.enabled)
			return true;
	return false;
}

static int do_memory(struct server *server, struct message *m)
{
	const struct vhost_user_memory *table = &m->payload.memory;
	int err = 0;

	if (table->nr > VHOST_USER_MAX_REGIONS || table->nr != m->nr_fds ||
	    m->header.size != offsetof(struct vhost_user_memory, regions[table->nr]) ||
	    memory_in_use(server))
		return -EINVAL;
	forget_memory(server);
	for (unsigned i = 0; i < table->nr && !err; i++)
		err = map_region(server, &table->regions[i], m->fds[i]);
	if (!err)
		server->table = *table;
	return err;
}

/* ---- what both sides have ---- */

static int answer_number(struct message *m, u64 number)
{
	m->payload.number = number;
	m->header.size = sizeof(number);
	m->answer = true;
	return 0;
}

static int do_get_features(struct server *server, struct message *m)
{
	return answer_number(m, SERVER_FEATURES);
}

static int do_set_features(struct server *server, struct message *m)
{
	if (m->payload.number & ~SERVER_FEATURES)
		return -EINVAL;
	server->features = m->payload.number;
	return 0;
}

static int do_get_protocol(struct server *server, struct message *m)
{
	return answer_number(m, SERVER_PROTOCOL);
}

static int do_set_protocol(struct server *server, struct message *m)
{
	if (m->payload.number & ~SERVER_PROTOCOL)
		return -EINVAL;
	server->acks = m->payload.number & BIT(VHOST_USER_PROTOCOL_REPLY_ACK);
	return 0;
}

static int do_get_queues(struct server *server, struct message *m)
{
	return answer_number(m, server->want.queues);
}

static int do_nothing(struct server *server, struct message *m)
{
	return 0;
}

/* ---- queues ---- */

static struct server_queue *queue_of(struct server *server, u32 index)
{
	return index < server->want.queues ? &server->queues[index] : NULL;
}

static int do_num(struct server *server, struct message *m)
{
	struct server_queue *queue = queue_of(server, m->payload.state.index);

	if (!queue || queue->running || m->payload.state.num > VIRTQUEUE_MAX_SIZE)
		return -EINVAL;
	queue->fresh |= queue->vq.state.size != m->payload.state.num;
	queue->vq.state.size = m->payload.state.num;
	return 0;
}

static int do_addr(struct server *server, struct message *m)
{
	struct server_queue *queue = queue_of(server, m->payload.addr.index);

	if (!queue || queue->running || m->payload.addr.flags)
		return -EINVAL;
	queue->fresh |= memcmp(&queue->addr, &m->payload.addr, sizeof(queue->addr)) != 0;
	queue->addr = m->payload.addr;
	return 0;
}

static int do_base(struct server *server, struct message *m)
{
	struct server_queue *queue = queue_of(server, m->payload.state.index);

	if (!queue || queue->running || m->payload.state.num > UINT16_MAX)
		return -EINVAL;
	queue->fresh |= queue->base != m->payload.state.num;
	queue->base = m->payload.state.num;
	return 0;
}

static int do_get_base(struct server *server, struct message *m)
{
	struct server_queue *queue = queue_of(server, m->payload.state.index);

	if (!queue)
		return -EINVAL;
	server_queue_stop(queue);
	m->payload.state.num = queue->base;
	m->answer = true;
	return 0;
}

static int do_enable(struct server *server, struct message *m)
{
	struct server_queue *queue = queue_of(server, m->payload.state.index);

	if (!queue)
		return -EINVAL;
	if (m->payload.state.num)
		return server_queue_start(queue);
	server_queue_stop(queue);
	return 0;
}

static int take_event(struct server *server, struct message *m, bool running, int *event)
{
	if (m->payload.number & VHOST_USER_VRING_NO_FD || m->nr_fds != 1 || running)
		return -EINVAL;
	if (*event >= 0)
		close(*event);
	*event = m->fds[0];
	m->fds[0] = -1;
	return 0;
}

static int do_kick(struct server *server, struct message *m)
{
	struct server_queue *queue = queue_of(server, m->payload.number & 0xff);

	return queue ? take_event(server, m, queue->running, &queue->kick) : -EINVAL;
}

static int do_call(struct server *server, struct message *m)
{
	struct server_queue *queue = queue_of(server, m->payload.number & 0xff);

	return queue ? take_event(server, m, queue->running, &queue->call) : -EINVAL;
}

static int do_err(struct server *server, struct message *m)
{
	struct server_queue *queue = queue_of(server, m->payload.number & 0xff);

	return queue ? take_event(server, m, queue->running, &queue->error) : -EINVAL;
}

static int do_reset(struct server *server, struct message *m)
{
	for (unsigned i = 0; i < server->want.queues; i++) {
		struct server_queue *queue = &server->queues[i];

		server_queue_stop(queue);
		pthread_mutex_lock(&queue->lock);
		queue->boot++;
		virtqueue_disable(&queue->vq);
		queue->fresh = true;
		pthread_mutex_unlock(&queue->lock);
	}
	server->want.protocol->ops->reset(server->want.protocol);
	for (unsigned i = 0; i < server->want.queues; i++)
		server_queue_drop_held(&server->queues[i]);
	server_wait_unused(server);
	forget_memory(server);
	return 0;
}

#define PAYLOAD(member) SIZE_OF(union vhost_user_payload, member)
#define ANY		UINT32_MAX

static const struct {
	int (*handle)(struct server *server, struct message *m);
	u32 size;     /* of the payload */
	unsigned fds; /* most that come along */
} handlers[] = {
	[VHOST_USER_GET_FEATURES] = { do_get_features, 0, 0 },
	[VHOST_USER_SET_FEATURES] = { do_set_features, PAYLOAD(number), 0 },
	[VHOST_USER_SET_OWNER] = { do_nothing, 0, 0 },
	[VHOST_USER_SET_MEM_TABLE] = { do_memory, ANY, MAX_FDS },
	[VHOST_USER_SET_VRING_NUM] = { do_num, PAYLOAD(state), 0 },
	[VHOST_USER_SET_VRING_ADDR] = { do_addr, PAYLOAD(addr), 0 },
	[VHOST_USER_SET_VRING_BASE] = { do_base, PAYLOAD(state), 0 },
	[VHOST_USER_GET_VRING_BASE] = { do_get_base, PAYLOAD(state), 0 },
	[VHOST_USER_SET_VRING_KICK] = { do_kick, PAYLOAD(number), 1 },
	[VHOST_USER_SET_VRING_CALL] = { do_call, PAYLOAD(number), 1 },
	[VHOST_USER_SET_VRING_ERR] = { do_err, PAYLOAD(number), 1 },
	[VHOST_USER_GET_PROTOCOL_FEATURES] = { do_get_protocol, 0, 0 },
	[VHOST_USER_SET_PROTOCOL_FEATURES] = { do_set_protocol, PAYLOAD(number), 0 },
	[VHOST_USER_GET_QUEUE_NUM] = { do_get_queues, 0, 0 },
	[VHOST_USER_SET_VRING_ENABLE] = { do_enable, PAYLOAD(state), 0 },
	[VHOST_USER_RESET_DEVICE] = { do_reset, 0, 0 },
};

/* ---- one message ---- */

static int handle_message(struct server *server, struct message *m)
{
	u32 request = m->header.request;

	if (request >= ARRAY_SIZE(handlers) || !handlers[request].handle)
		return -EINVAL;
	if ((handlers[request].size != ANY && m->header.size != handlers[request].size) ||
	    m->nr_fds > handlers[request].fds)
		return -EINVAL;
	return handlers[request].handle(server, m);
}

/* 0, -EPIPE at the end of the connection. */
static int read_all(int fd, void *data, size_t size)
{
	while (size) {
		ssize_t n = recv(fd, data, size, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPIPE;
		data += n;
		size -= n;
	}
	return 0;
}

/* Descriptors come with a message's first byte. */
static int read_header(struct server *server, struct message *m)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int) * MAX_FDS)];
	} control;
	struct iovec iov = { &m->header, sizeof(m->header) };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *head;
	ssize_t n;

	do {
		n = recvmsg(server->fd, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return -EPIPE;
	head = CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
		m->nr_fds = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(m->fds, CMSG_DATA(head), m->nr_fds * sizeof(int));
	}
	return read_all(server->fd, (u8 *)&m->header + n, sizeof(m->header) - n);
}

static int send_answer(struct server *server, struct message *m)
{
	const size_t size = sizeof(m->header) + m->header.size;

	struct iovec iov[] = { { &m->header, sizeof(m->header) }, { &m->payload, m->header.size } };
	const struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };

	m->header.flags = VHOST_USER_VERSION | VHOST_USER_REPLY;
	return sendmsg(server->fd, &message, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -EPIPE;
}

static int serve_message(struct server *server)
{
	struct message m = { .answer = false };
	bool wants_ack;
	int err = read_header(server, &m);

	if (!err && m.header.size > sizeof(m.payload))
		err = -EINVAL;
	if (!err)
		err = read_all(server->fd, &m.payload, m.header.size);
	wants_ack = server->acks && m.header.flags & VHOST_USER_NEED_REPLY;
	if (!err)
		err = handle_message(server, &m);
	for (unsigned i = 0; i < m.nr_fds; i++)
		if (m.fds[i] >= 0)
			close(m.fds[i]);
	if (!err && !m.answer && wants_ack)
		answer_number(&m, 0);
	return err ?: m.answer ? send_answer(server, &m) : 0;
}

/* ---- life ---- */

static void close_queue(struct server_queue *queue)
{
	const int fds[] = { queue->kick, queue->call, queue->error };

	for (unsigned i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	pthread_cond_destroy(&queue->idle);
	pthread_mutex_destroy(&queue->lock);
}

static void init_queue(struct server *server, unsigned index)
{
	struct server_queue *queue = &server->queues[index];

	queue->server = server;
	queue->index = index;
	queue->kick = queue->call = queue->error = -1;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->idle, NULL);
}

int vhost_user_server_run(const struct vhost_user_server_want *want, int fd)
{
	struct server *server = calloc(1, sizeof(*server));
	struct message end = { .answer = false };
	int err;

	if (!server) {
		close(fd);
		return -ENOMEM;
	}
	server->want = *want;
	server->fd = fd;
	guest_memory_init(&server->memory);
	pthread_mutex_init(&server->free_lock, NULL);
	pthread_cond_init(&server->none_used, NULL);
	for (unsigned i = 0; i < want->queues; i++)
		init_queue(server, i);
	err = server_start_pools(server);
	while (!err)
		err = serve_message(server);
	do_reset(server, &end);
	server_end_pools(server);
	for (unsigned i = 0; i < want->queues; i++)
		close_queue(&server->queues[i]);
	server_free_requests(server);
	pthread_cond_destroy(&server->none_used);
	pthread_mutex_destroy(&server->free_lock);
	close(server->fd);
	free(server);
	return err == -EPIPE ? 0 : err;
}
