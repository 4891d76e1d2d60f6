/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An event loop: file descriptors, timers and posted work, all run by the one thread that is in
 * loop_run(). The main thread has one; an I/O thread is another. Unless said otherwise functions may
 * be called only on the loop's own thread or before it runs.
 */
#ifndef LKVM_UTIL_LOOP_H
#define LKVM_UTIL_LOOP_H

#include <sys/epoll.h>
#include "lkvm/util/list.h"
#include "lkvm/util/types.h"

struct loop;

/* `name` is shown as the thread's name. NULL with errno set. */
struct loop *loop_create(const char *name);
/* Not running; handlers and timers must be gone. */
void loop_destroy(struct loop *loop);

/* Runs until loop_stop(). 0 or -errno. */
int loop_run(struct loop *loop);
/* Any thread, also a signal handler. */
void loop_stop(struct loop *loop);

/* Starts a thread that is in loop_run(); loop_stop_thread() stops and joins it. All signals blocked. */
int loop_start_thread(struct loop *loop);
void loop_stop_thread(struct loop *loop);

/* Is this the thread that runs the loop (or is nobody running it yet)? Any thread. */
bool loop_is_current(struct loop *loop);

/* Embedded in its owner; level-triggered; zero-initialise. */
struct loop_fd {
	int fd;
	void (*ready)(struct loop_fd *handler, u32 events); /* EPOLLIN | ... */
	struct loop *loop;				    /* set while added */
};

/* events: EPOLLIN and/or EPOLLOUT. 0 or -errno. */
int loop_fd_add(struct loop *loop, struct loop_fd *handler, u32 events);
int loop_fd_mod(struct loop_fd *handler, u32 events);
/* Safe inside any handler; not an error when not added. Pending events are dropped. */
void loop_fd_del(struct loop_fd *handler);

/*
 * For what comes by no file descriptor: looked for in each round, and for a moment before the loop sleeps.
 * True: there was something, and some of it was dealt with. After false with `sleeps` what comes must wake
 * the loop, by a descriptor. Embedded in its owner; one to a loop, NULL for none.
 */
struct loop_look {
	bool (*look)(struct loop_look *look, bool sleeps);
};

void loop_set_look(struct loop *loop, struct loop_look *look);

struct loop_timer {
	void (*expired)(struct loop_timer *timer);
	struct loop *loop;
	u64 deadline; /* CLOCK_MONOTONIC ns; 0: not armed */
	TAILQ_ENTRY(loop_timer) link;
};

/* One shot, `ns` from now. Re-arming moves it. Loop's thread, or before it runs. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, u64 ns);
void loop_timer_cancel(struct loop_timer *timer);

/* Any thread: run fn(arg) on the loop's thread soon. -ENOMEM. */
int loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);

/*
 * Any thread: run fn(arg) on the loop's thread and wait for it. Runs it directly when called on that
 * thread, or when nobody runs the loop. The caller must hold no lock that the loop's handlers take.
 */
void loop_call(struct loop *loop, void (*fn)(void *arg), void *arg);

/*
 * Loop's thread, inside a handler that waits for another thread: runs what was posted meanwhile, because
 * that thread may itself be waiting in loop_call().
 */
void loop_serve(struct loop *loop);

/* CLOCK_MONOTONIC in ns. Any thread. */
u64 clock_now(void);

#endif
