// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests of a helper's queues, and the threads that carry them.
 *
 * All threads of a pool wait in one epoll. A queue's kick eventfd is in it edge-triggered: each kick wakes one thread,
 * and nobody has to read the eventfd. Whoever takes a request and sees another behind it passes the kick on before it
 * goes to work, once until somebody came for it. So one request costs one wake-up, and many are done by as many
 * threads as there are. Nobody asks whether a thread is idle: one that comes back from another queue later takes it up.
 */
#include <errno.h>
#include <limits.h>
#include <linux/virtio_ring.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "vhost-user-server-private.h"

#define WORKER_STACK MIB(1)

struct server_request {
	struct share_request request; /* first: what the protocol has */
	struct server_queue *queue;
	u64 boot;
	u16 head;
	u32 written;
	struct server_request *next; /* free, or held */
	struct iovec iov[VIRTQUEUE_MAX_SIZE];
};

/* ---- where they come from ---- */

static struct server_request *request_take(struct server *server)
{
	struct server_request *request;

	pthread_mutex_lock(&server->free_lock);
	request = server->free;
	if (request)
		server->free = request->next;
	server->used++;
	pthread_mutex_unlock(&server->free_lock);
	if (!request)
		request = malloc(sizeof(*request));
	/* The helper may have no more memory: nothing of it would work. */
	if (!request)
		abort();
	return request;
}

static void request_give(struct server *server, struct server_request *request)
{
	pthread_mutex_lock(&server->free_lock);
	request->next = server->free;
	server->free = request;
	if (!--server->used)
		pthread_cond_broadcast(&server->none_used);
	pthread_mutex_unlock(&server->free_lock);
}

void server_wait_unused(struct server *server)
{
	pthread_mutex_lock(&server->free_lock);
	while (server->used)
		pthread_cond_wait(&server->none_used, &server->free_lock);
	pthread_mutex_unlock(&server->free_lock);
}

void server_free_requests(struct server *server)
{
	struct server_request *request;

	while ((request = server->free)) {
		server->free = request->next;
		free(request);
	}
}

/* ---- their way back ---- */

/* The queue's lock held. */
static void request_push(struct server_queue *queue, struct server_request *request)
{
	if (request->boot == queue->boot)
		virtqueue_push(&queue->vq, request->head, request->written);
}

static void request_done(struct share_request *share, u32 written)
{
	struct server_request *request = CONTAINER_OF(share, struct server_request, request);
	struct server_queue *queue = request->queue;

	request->written = written;
	pthread_mutex_lock(&queue->lock);
	if (!queue->running && !queue->handling && request->boot == queue->boot) {
		/* The front end has noted where the ring is: it stays as it is until the queue runs again. */
		request->next = queue->held;
		queue->held = request;
		pthread_mutex_unlock(&queue->lock);
		return;
	}
	request_push(queue, request);
	virtqueue_signal(&queue->vq);
	pthread_mutex_unlock(&queue->lock);
	request_give(queue->server, request);
}

/* Lock held. */
static void push_held(struct server_queue *queue)
{
	struct server_request *request;

	while ((request = queue->held)) {
		queue->held = request->next;
		request_push(queue, request);
		request_give(queue->server, request);
	}
	if (queue->vq.state.enabled)
		virtqueue_signal(&queue->vq);
}

/* ---- their way in ---- */

static void request_fill(struct server_request *request, struct server_queue *queue,
			 const struct virtq_chain *chain)
{
	request->queue = queue;
	request->boot = queue->boot;
	request->head = chain->head;
	request->request = (struct share_request){
		.out = request->iov,
		.in = request->iov + chain->nr_out,
		.nr_out = chain->nr_out,
		.nr_in = chain->nr_in,
		.out_len = chain->out_len,
		.in_len = chain->in_len,
		.queue = queue->index,
		.done = request_done,
	};
}

/* Are there more? If not, the driver kicks for the next one. Lock held. */
static bool queue_has_more(struct virtqueue *vq)
{
	return vq->state.next_avail != vq->seen_avail || virtqueue_kick_on(vq);
}

/* Lock held, before and after. False: there is none. */
static bool serve_one(struct server_queue *queue)
{
	struct server_request *request = request_take(queue->server);
	struct virtq_chain chain = { .iov = request->iov, .iov_max = VIRTQUEUE_MAX_SIZE };
	struct share_protocol *protocol = queue->server->want.protocol;
	int ret;

	do {
		ret = virtqueue_pop(&queue->vq, &chain);
	} while (!ret && virtqueue_kick_on(&queue->vq));
	if (ret <= 0) {
		request_give(queue->server, request);
		return false;
	}
	request_fill(request, queue, &chain);
	queue->handling++;
	if (!queue->passed_on && queue_has_more(&queue->vq)) {
		queue->passed_on = true;
		eventfd_write(queue->kick, 1);
	}
	pthread_mutex_unlock(&queue->lock);
	protocol->ops->handle(protocol, &request->request);
	pthread_mutex_lock(&queue->lock);
	if (!--queue->handling && !queue->running)
		pthread_cond_broadcast(&queue->idle);
	return true;
}

static void serve_queue(struct server_queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->passed_on = false;
	while (queue->running && serve_one(queue))
		;
	pthread_mutex_unlock(&queue->lock);
}

static void *worker_main(void *arg)
{
	struct server_pool *pool = arg;
	struct epoll_event event;
	int n;

	for (;;) {
		n = epoll_wait(pool->epoll, &event, 1, -1);
		if (n < 0 && errno == EINTR)
			continue;
		/* No queue: the end. */
		if (n < 1 || !event.data.ptr)
			return NULL;
		serve_queue(event.data.ptr);
	}
}

/* ---- pools ---- */

static int start_pool(struct server *server, struct server_pool *pool, unsigned nr)
{
	struct epoll_event stop = { .events = EPOLLIN };
	pthread_attr_t attr;
	int err = 0;

	pool->threads = calloc(nr ?: 1, sizeof(*pool->threads));
	pool->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!pool->threads || pool->epoll < 0 ||
	    epoll_ctl(pool->epoll, EPOLL_CTL_ADD, server->stop, &stop))
		return -ENOMEM;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKER_STACK);
	while (pool->nr < nr && !err) {
		err = -pthread_create(&pool->threads[pool->nr], &attr, worker_main, pool);
		pool->nr += !err;
	}
	pthread_attr_destroy(&attr);
	return err;
}

int server_start_pools(struct server *server)
{
	bool several = server->want.queues > 1;
	int err;

	for (unsigned i = 0; i < NR_POOLS; i++)
		server->pools[i].epoll = -1;
	server->stop = eventfd(0, EFD_CLOEXEC);
	if (server->stop < 0)
		return -errno;
	err = start_pool(server, &server->pools[POOL_URGENT], several);
	if (!err)
		err = start_pool(server, &server->pools[POOL_REQUESTS], server->want.workers);
	for (unsigned i = 0; i < server->want.queues; i++)
		server->queues[i].pool =
			&server->pools[several && !i ? POOL_URGENT : POOL_REQUESTS];
	return err;
}

void server_end_pools(struct server *server)
{
	if (server->stop < 0)
		return;
	eventfd_write(server->stop, 1);
	for (unsigned i = 0; i < NR_POOLS; i++) {
		struct server_pool *pool = &server->pools[i];

		for (unsigned t = 0; t < pool->nr; t++)
			pthread_join(pool->threads[t], NULL);
		if (pool->epoll >= 0)
			close(pool->epoll);
		free(pool->threads);
	}
	close(server->stop);
}

/* ---- queues ---- */

static void queue_interrupt(struct virtqueue *vq)
{
	struct server_queue *queue = CONTAINER_OF(vq, struct server_queue, vq);

	if (queue->call >= 0)
		eventfd_write(queue->call, 1);
}

static void queue_broken(struct virtqueue *vq, const char *why)
{
	struct server_queue *queue = CONTAINER_OF(vq, struct server_queue, vq);

	if (queue->error >= 0)
		eventfd_write(queue->error, 1);
}

static const struct virtqueue_ops queue_ops = {
	.interrupt = queue_interrupt,
	.broken = queue_broken,
};

/* The front end's address as the guest's. */
static bool ring_gpa(const struct server *server, u64 user, gpa_t *gpa)
{
	for (unsigned i = 0; i < server->table.nr; i++) {
		const struct vhost_user_region *region = &server->table.regions[i];

		if (user - region->user_addr >= region->size)
			continue;
		*gpa = region->gpa + (user - region->user_addr);
		return true;
	}
	return false;
}

/* Lock held. */
static int begin_ring(struct server_queue *queue)
{
	struct virtqueue *vq = &queue->vq;
	const struct vhost_user_vring_addr *addr = &queue->addr;
	int err;

	queue->boot++;
	push_held(queue);
	vq->ops = &queue_ops;
	vq->index = queue->index;
	vq->max_size = queue->server->want.queue_size;
	if (!ring_gpa(queue->server, addr->desc, &vq->state.desc) ||
	    !ring_gpa(queue->server, addr->avail, &vq->state.driver) ||
	    !ring_gpa(queue->server, addr->used, &vq->state.device_area))
		return -EINVAL;
	err = virtqueue_enable(vq, &queue->server->memory, queue->server->features);
	if (err)
		return err;
	vq->state.next_avail = vq->seen_avail = queue->base;
	vq->state.next_used = vq->state.signalled =
		le16toh(__atomic_load_n(&vq->used->idx, __ATOMIC_RELAXED));
	queue->fresh = false;
	return 0;
}

void server_queue_drop_held(struct server_queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	push_held(queue);
	pthread_mutex_unlock(&queue->lock);
}

int server_queue_start(struct server_queue *queue)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.ptr = queue };
	int err = 0;

	if (queue->running)
		return 0;
	if (queue->kick < 0)
		return -EINVAL;
	pthread_mutex_lock(&queue->lock);
	if (queue->fresh || !queue->vq.state.enabled)
		err = begin_ring(queue);
	else
		push_held(queue);
	queue->running = !err;
	queue->passed_on = false;
	pthread_mutex_unlock(&queue->lock);
	if (!err && epoll_ctl(queue->pool->epoll, EPOLL_CTL_ADD, queue->kick, &event))
		err = -errno;
	/* What came before it was watched. */
	if (!err)
		eventfd_write(queue->kick, 1);
	return err;
}

void server_queue_stop(struct server_queue *queue)
{
	if (!queue->running)
		return;
	epoll_ctl(queue->pool->epoll, EPOLL_CTL_DEL, queue->kick, NULL);
	pthread_mutex_lock(&queue->lock);
	queue->running = false;
	while (queue->handling)
		pthread_cond_wait(&queue->idle, &queue->lock);
	queue->base = queue->vq.state.next_avail;
	pthread_mutex_unlock(&queue->lock);
}
