/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vhost-user-server.c (messages) and vhost-user-workers.c (requests) have in common. */
#ifndef VIRTIO_VHOST_USER_SERVER_PRIVATE_H
#define VIRTIO_VHOST_USER_SERVER_PRIVATE_H

#include <pthread.h>
#include "lkvm/virtio/virtqueue.h"
#include "vhost-user-protocol.h"
#include "vhost-user-server.h"

struct server;
struct server_request;

struct server_queue {
	/* Constant. */
	struct server *server;
	unsigned index;
	struct server_pool *pool;
	/* The messages' thread; frozen while running. */
	struct vhost_user_vring_addr addr;
	u16 base;
	bool fresh; /* base is new: the ring begins there, and requests of before are nobody's */
	int kick, call, error; /* eventfds; -1: none */
	/* lock: */
	pthread_mutex_t lock;
	pthread_cond_t idle; /* nobody handles a request of it */
	struct virtqueue vq;
	bool running;
	bool passed_on;	   /* kicked for one more thread, and none has come yet */
	unsigned handling; /* requests inside the protocol's handle() */
	u64 boot;	   /* counts beginnings of the ring: requests of another one are dropped */
	struct server_request *held; /* done while it does not run */
};

/* Threads that wait for the kicks of some queues. */
struct server_pool {
	int epoll;
	unsigned nr;
	pthread_t *threads;
};

#define POOL_URGENT   0
#define POOL_REQUESTS 1
#define NR_POOLS      2

struct server {
	struct vhost_user_server_want want; /* constant */
	int fd;
	struct server_pool pools[NR_POOLS];
	int stop; /* eventfd: threads end */
	/* The messages' thread, while no queue runs. */
	struct guest_memory memory;
	struct vhost_user_memory table; /* what is in it */
	u64 features;
	bool acks; /* REPLY_ACK */
	struct server_queue queues[VHOST_USER_SERVER_MAX_QUEUES];
	/* free_lock: requests that are not used, and how many are. */
	pthread_mutex_t free_lock;
	pthread_cond_t none_used;
	struct server_request *free;
	unsigned used;
};

/* 0 or -errno. */
int server_start_pools(struct server *server);
void server_end_pools(struct server *server);

/* The queue's requests are taken from now on. 0 or -errno: it cannot be, nothing changed. */
int server_queue_start(struct server_queue *queue);
/* None is, and none is inside handle(); those that are parked stay. */
void server_queue_stop(struct server_queue *queue);
/* What was held is nobody's any more: the ring has ended. */
void server_queue_drop_held(struct server_queue *queue);
/* Every request is gone: for after the protocol's reset. */
void server_wait_unused(struct server *server);
void server_free_requests(struct server *server);

#endif
