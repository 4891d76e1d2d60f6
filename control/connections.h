/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connections of a control socket: who has one, whose turn it is, and who makes space for others. */
#ifndef CONTROL_CONNECTIONS_H
#define CONTROL_CONNECTIONS_H

#include <stdatomic.h>

#include "lkvm/util/loop.h"
#include "protocol.h"

struct vm;

#define MAX_CLIENTS 16
/* So many may wait for the main thread: the other places are for those that need not wait, as `lkvm stop`. */
#define MAX_JOBS    12

/* A request that the main thread answers. */
struct job {
	struct connections *connections;
	struct control_call call; /* request NULL: nothing to do here */
	_Atomic bool posted;	  /* it is the main thread's turn */
	struct client *client;	  /* NULL: it has disconnected; the connections' loop */
	bool gone;		  /* the same, as the main thread was told */
	json_t *answer;		  /* NULL: out of memory */
};

/* A place for a connection. */
struct client {
	struct connections *connections;
	struct loop_fd fd; /* fd.fd < 0: it is free */
	int reserved;	   /* then: a descriptor kept for it; -1: none was left */
	u64 active;	   /* clock_now() when it last was told something, or came */
	struct loop_timer patience;
	char in[CONTROL_MAX_REQUEST];
	size_t in_len;
	char *out; /* what is being sent; NULL: nothing */
	size_t out_len, out_sent;
	struct job *job; /* the main thread has its request; NULL: none */
	bool no_more;	 /* after what is being sent */
	bool until_end;	 /* waits for the guest's end */
};

/* Zeroed before connections_init(). Everything is used on `loop`, or while nobody runs it, unless told otherwise. */
struct connections {
	struct vm *vm;
	const struct config_kind *const *kinds; /* as of control_create() */
	struct loop *loop;			/* may be vm->loop */
	bool main_left;		 /* vm->loop takes no more jobs; main thread while the loop waits */
	struct loop_fd listener; /* fd is set before connections_listen(); -1: none */
	struct loop_timer rest;	 /* before accept() is tried again */
	struct loop_fd jobs_fd;	 /* vm->loop: an eventfd, jobs were posted */
	struct job jobs[MAX_JOBS];
	struct client places[MAX_CLIENTS];
};

/* Main thread. 0, or -errno and there is nothing to end. */
int connections_init(struct connections *connections, struct vm *vm,
		     const struct config_kind *const *kinds, struct loop *loop);
/* Takes those who connect from now on, and keeps descriptors for them. 0 or -errno. */
int connections_listen(struct connections *connections);
/* Main thread, at its end: refuses what only that can do, now and later. */
void connections_leave_main(struct connections *connections);
/* Main thread, after the thread of `loop` has ended: sends the answers that are left, as far as they fit, closes all. */
void connections_end(struct connections *connections);

#endif
