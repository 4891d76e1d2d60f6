// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "lkvm/util/loop.h"
#include "lkvm/util/spin.h"
#include "lkvm/util/thread.h"

#define EVENTS_AT_ONCE 16

struct work {
	void (*fn)(void *arg);
	void *arg;
	bool waited_for; /* lives on the caller's stack; done is signalled under the lock */
	bool done;
	TAILQ_ENTRY(work) link;
};

struct loop {
	char name[16];
	int epoll_fd;
	int wake_fd;
	int timer_fd; /* armed with the earliest deadline: epoll_wait only knows milliseconds */
	u64 armed;    /* loop's thread: what timer_fd was set to */
	TAILQ_HEAD(, loop_timer) timers; /* loop's thread: sorted by deadline */
	/* Loop's thread: events of this round not yet handed out, so that a deleted handler is dropped. */
	struct epoll_event events[EVENTS_AT_ONCE];
	int nr_events, next_event;
	struct loop_look *look;
	struct spin spin;
	_Atomic bool stop;
	pthread_t thread;
	bool own_thread;

	pthread_mutex_t lock; /* the rest */
	pthread_cond_t done;
	TAILQ_HEAD(, work) posted;
	bool running;
	pthread_t runner;
};

u64 clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int loop_watch(struct loop *loop, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (fd < 0)
		return -1;
	/* The loop's own descriptors are told from handlers by a NULL pointer; both are just read, eight bytes. */
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

struct loop *loop_create(const char *name)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	strncpy(loop->name, name, sizeof(loop->name) - 1);
	TAILQ_INIT(&loop->timers);
	TAILQ_INIT(&loop->posted);
	pthread_mutex_init(&loop->lock, NULL);
	pthread_cond_init(&loop->done, NULL);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->epoll_fd < 0 || loop_watch(loop, loop->wake_fd) ||
	    loop_watch(loop, loop->timer_fd)) {
		int saved = errno;

		loop_destroy(loop);
		errno = saved;
		return NULL;
	}
	return loop;
}

void loop_destroy(struct loop *loop)
{
	struct work *work;

	if (!loop)
		return;
	while ((work = TAILQ_FIRST(&loop->posted))) {
		TAILQ_REMOVE(&loop->posted, work, link);
		free(work);
	}
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	if (loop->timer_fd >= 0)
		close(loop->timer_fd);
	pthread_mutex_destroy(&loop->lock);
	pthread_cond_destroy(&loop->done);
	free(loop);
}

/* A full counter wakes it as well. */
static void loop_wake(struct loop *loop)
{
	eventfd_write(loop->wake_fd, 1);
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
	loop_wake(loop);
}

static void arm_timer(struct loop *loop)
{
	struct loop_timer *first = TAILQ_FIRST(&loop->timers);
	u64 deadline = first ? first->deadline : 0;
	struct itimerspec when = {
		.it_value = { .tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000 },
	};

	if (deadline == loop->armed)
		return;
	loop->armed = deadline;
	timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, u64 ns)
{
	struct loop_timer *other;

	loop_timer_cancel(timer);
	timer->loop = loop;
	timer->deadline = clock_now() + MAX(ns, (u64)1);
	TAILQ_FOREACH(other, &loop->timers, link)
	{
		if (other->deadline > timer->deadline) {
			TAILQ_INSERT_BEFORE(other, timer, link);
			break;
		}
	}
	if (!other)
		TAILQ_INSERT_TAIL(&loop->timers, timer, link);
	arm_timer(loop);
}

void loop_timer_cancel(struct loop_timer *timer)
{
	if (!timer->deadline)
		return;
	TAILQ_REMOVE(&timer->loop->timers, timer, link);
	timer->deadline = 0;
	arm_timer(timer->loop);
}

static void run_timers(struct loop *loop)
{
	u64 now = clock_now();
	struct loop_timer *timer;

	while ((timer = TAILQ_FIRST(&loop->timers)) && timer->deadline <= now) {
		TAILQ_REMOVE(&loop->timers, timer, link);
		timer->deadline = 0;
		timer->expired(timer);
	}
	arm_timer(loop);
}

/* The work that is there now; what it posts itself waits for the next round. */
void loop_serve(struct loop *loop)
{
	TAILQ_HEAD(, work) now = TAILQ_HEAD_INITIALIZER(now);
	struct work *work;

	pthread_mutex_lock(&loop->lock);
	TAILQ_CONCAT(&now, &loop->posted, link);
	pthread_mutex_unlock(&loop->lock);
	while ((work = TAILQ_FIRST(&now))) {
		TAILQ_REMOVE(&now, work, link);
		work->fn(work->arg);
		if (!work->waited_for) {
			free(work);
			continue;
		}
		pthread_mutex_lock(&loop->lock);
		work->done = true;
		pthread_cond_broadcast(&loop->done);
		pthread_mutex_unlock(&loop->lock);
	}
}

static void run_events(struct loop *loop)
{
	while (loop->next_event < loop->nr_events) {
		struct epoll_event *event = &loop->events[loop->next_event++];
		struct loop_fd *handler = event->data.ptr;

		if (handler)
			handler->ready(handler, event->events);
	}
}

static void set_running(struct loop *loop, bool running)
{
	pthread_mutex_lock(&loop->lock);
	loop->running = running;
	loop->runner = pthread_self();
	pthread_mutex_unlock(&loop->lock);
}

/* The number of events, or -1 with errno set. */
static int wait_events(struct loop *loop)
{
	bool found, last;
	int n;

	if (!loop->look)
		return epoll_wait(loop->epoll_fd, loop->events, EVENTS_AT_ONCE, -1);
	spin_begin(&loop->spin);
	do {
		last = !spin_on(&loop->spin);
		found = loop->look->look(loop->look, last);
		n = epoll_wait(loop->epoll_fd, loop->events, EVENTS_AT_ONCE,
			       last && !found ? -1 : 0);
	} while (!n && !found && !last);
	spin_end(&loop->spin);
	return n;
}

int loop_run(struct loop *loop)
{
	eventfd_t count;
	int err = 0;

	set_running(loop, true);
	while (!loop->stop) {
		int n = wait_events(loop);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			err = -errno;
			break;
		}
		loop->nr_events = n;
		loop->next_event = 0;
		for (int i = 0; i < n; i++) {
			if (loop->events[i].data.ptr)
				continue;
			eventfd_read(loop->wake_fd, &count);
			eventfd_read(loop->timer_fd, &count);
			loop->armed = 0; /* it may have fired: arm_timer must set it again */
			break;
		}
		run_events(loop);
		run_timers(loop);
		loop_serve(loop);
	}
	loop->stop = false;
	set_running(loop, false);
	/* Somebody may have called loop_call() just before: nobody else would ever answer. */
	loop_serve(loop);
	return err;
}

static void *thread_main(void *arg)
{
	struct loop *loop = arg;

	pthread_setname_np(pthread_self(), loop->name);
	loop_run(loop);
	return NULL;
}

int loop_start_thread(struct loop *loop)
{
	int err;

	/* From here on callers must wait for the thread, even if it has not come to loop_run() yet. */
	pthread_mutex_lock(&loop->lock);
	err = thread_start(&loop->thread, 0, thread_main, loop);
	if (!err) {
		loop->running = true;
		loop->runner = loop->thread;
		loop->own_thread = true;
	}
	pthread_mutex_unlock(&loop->lock);
	return err;
}

void loop_stop_thread(struct loop *loop)
{
	if (!loop->own_thread)
		return;
	loop_stop(loop);
	pthread_join(loop->thread, NULL);
	loop->own_thread = false;
}

bool loop_is_current(struct loop *loop)
{
	bool current;

	pthread_mutex_lock(&loop->lock);
	current = !loop->running || pthread_equal(loop->runner, pthread_self());
	pthread_mutex_unlock(&loop->lock);
	return current;
}

void loop_set_look(struct loop *loop, struct loop_look *look)
{
	loop->look = look;
}

static int loop_fd_ctl(struct loop *loop, int op, struct loop_fd *handler, u32 events)
{
	struct epoll_event event = { .events = events, .data.ptr = handler };

	return epoll_ctl(loop->epoll_fd, op, handler->fd, &event) ? -errno : 0;
}

int loop_fd_add(struct loop *loop, struct loop_fd *handler, u32 events)
{
	int err = loop_fd_ctl(loop, EPOLL_CTL_ADD, handler, events);

	if (!err)
		handler->loop = loop;
	return err;
}

int loop_fd_mod(struct loop_fd *handler, u32 events)
{
	return loop_fd_ctl(handler->loop, EPOLL_CTL_MOD, handler, events);
}

void loop_fd_del(struct loop_fd *handler)
{
	struct loop *loop = handler->loop;

	if (!loop)
		return;
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, handler->fd, NULL);
	handler->loop = NULL;
	for (int i = loop->next_event; i < loop->nr_events; i++)
		if (loop->events[i].data.ptr == handler)
			loop->events[i].data.ptr = NULL;
}

static void loop_enqueue(struct loop *loop, struct work *work)
{
	TAILQ_INSERT_TAIL(&loop->posted, work, link);
	loop_wake(loop);
}

int loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	struct work *work = calloc(1, sizeof(*work));

	if (!work)
		return -ENOMEM;
	work->fn = fn;
	work->arg = arg;
	pthread_mutex_lock(&loop->lock);
	loop_enqueue(loop, work);
	pthread_mutex_unlock(&loop->lock);
	return 0;
}

void loop_call(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	struct work work = { .fn = fn, .arg = arg, .waited_for = true };

	pthread_mutex_lock(&loop->lock);
	if (!loop->running || pthread_equal(loop->runner, pthread_self())) {
		pthread_mutex_unlock(&loop->lock);
		fn(arg);
		return;
	}
	loop_enqueue(loop, &work);
	while (!work.done)
		pthread_cond_wait(&loop->done, &loop->lock);
	pthread_mutex_unlock(&loop->lock);
}
