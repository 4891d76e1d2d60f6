// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lkvm/console/console-watch.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vcpu.h"
#include "lkvm/vm/vm.h"
#include "chardev-backend.h"

/*
 * A guest prints byte by byte, each a VM exit. A write(2) for each would double their cost, so the
 * main loop writes what has come together after this time; nobody sees the delay.
 */
#define FLUSH_DELAY_NS 1000000ULL
/* For output that is neither ready nor pollable. */
#define RETRY_NS       20000000ULL

void chardev_wake(struct chardev *chardev)
{
	eventfd_write(chardev->wake.fd, 1);
}

/* ---- input ---- */

static size_t front_end_room(struct chardev *c)
{
	size_t n = sizeof(c->waiting);
	bool polled;

	pthread_mutex_lock(&c->lock);
	polled = c->polled;
	n -= c->in_len;
	pthread_mutex_unlock(&c->lock);
	if (polled)
		return n;
	return c->client.room ? c->client.room(c->client.opaque) : 0;
}

/* How much was taken: somebody may have begun to ask after we looked for room. */
static size_t chardev_give(struct chardev *c, const u8 *data, size_t len)
{
	bool polled;

	pthread_mutex_lock(&c->lock);
	polled = c->polled;
	if (polled) {
		len = MIN(len, sizeof(c->waiting) - c->in_len);
		memcpy(c->waiting + c->in_len, data, len);
		c->in_len += len;
	}
	pthread_mutex_unlock(&c->lock);
	if (!polled)
		c->client.receive(c->client.opaque, data, len);
	return len;
}

/*
 * The front end takes bytes away on another thread: it may make room between our look and our note
 * that there is none, so look again after the note.
 */
static size_t chardev_space(struct chardev *c)
{
	size_t n = front_end_room(c);

	if (n)
		return n;
	c->input_paused = true;
	n = front_end_room(c);
	if (n)
		c->input_paused = false;
	return n;
}

/* Gives the front end what has been read, as far as it has room. */
static void chardev_deliver(struct chardev *c)
{
	while (c->pending_len) {
		size_t n = MIN(chardev_space(c), (size_t)c->pending_len);

		if (!n)
			return;
		n = chardev_give(c, c->pending + c->pending_at, n);
		c->pending_at += n;
		c->pending_len -= n;
	}
	c->pending_at = 0;
}

/* How much may be read now. */
static size_t chardev_wanted(struct chardev *c)
{
	if (!c->input_on)
		return 0;
	/* filter() may make one byte more of it */
	if (c->in_ahead)
		return sizeof(c->pending) - 1 - c->pending_len;
	return c->pending_len ? 0 : MIN(chardev_space(c), sizeof(c->pending) - 1);
}

/* Arms the next look at the input. */
static void chardev_arm(struct chardev *c)
{
	if (!c->in_unpollable && !c->in.loop) {
		int err = loop_fd_add(c->loop, &c->in, EPOLLIN);

		c->in_unpollable = err == -EPERM;
	}
	if (c->in_unpollable)
		chardev_wake(c);
}

static void end_input(struct chardev *c, int err)
{
	chardev_set_input(c, false);
	if (c->ops->input_ended)
		c->ops->input_ended(c, err);
}

/* One read, so that a blocking descriptor shared with others is never read without being ready. */
static void read_some(struct chardev *c, size_t max)
{
	u8 data[CHARDEV_IN_CHUNK], *to;
	ssize_t n = c->ops->read(c, data, MIN(max, sizeof(data)));

	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n <= 0) {
		end_input(c, n);
		return;
	}
	memmove(c->pending, c->pending + c->pending_at, c->pending_len);
	c->pending_at = 0;
	to = c->pending + c->pending_len;
	if (c->ops->filter) {
		c->pending_len += c->ops->filter(c, data, n, to);
	} else {
		memcpy(to, data, n);
		c->pending_len += n;
	}
}

static void chardev_pump(struct chardev *c, bool readable)
{
	size_t max;

	if (!c->device.started)
		return;
	chardev_deliver(c);
	max = readable ? chardev_wanted(c) : 0;
	if (max) {
		read_some(c, max);
		chardev_deliver(c);
	}
	/* Level-triggered, and a hang-up is always reported: to stay armed without need would spin. */
	if (chardev_wanted(c))
		chardev_arm(c);
	else
		loop_fd_del(&c->in);
}

static void on_input(struct loop_fd *handler, u32 events)
{
	chardev_pump(CONTAINER_OF(handler, struct chardev, in), true);
}

void chardev_set_input(struct chardev *c, bool on)
{
	c->input_on = on && c->in.fd >= 0;
	if (c->input_on)
		chardev_wake(c);
	else
		loop_fd_del(&c->in);
}

void chardev_room_again(struct chardev *c)
{
	/* Called for every byte a guest reads: only the first after a pause costs a system call. */
	if (c && c->input_paused &&
	    __atomic_exchange_n((bool *)&c->input_paused, false, __ATOMIC_SEQ_CST))
		chardev_wake(c);
}

size_t chardev_read(struct chardev *c, u8 *data, size_t len)
{
	bool first;

	pthread_mutex_lock(&c->lock);
	first = !c->polled;
	c->polled = true;
	len = MIN(len, (size_t)c->in_len);
	memcpy(data, c->waiting, len);
	c->in_len -= len;
	memmove(c->waiting, c->waiting + len, c->in_len);
	pthread_mutex_unlock(&c->lock);
	if (first || len)
		chardev_room_again(c);
	return len;
}

void chardev_give_back(struct chardev *c)
{
	pthread_mutex_lock(&c->lock);
	c->polled = false;
	c->in_len = 0;
	pthread_mutex_unlock(&c->lock);
	chardev_room_again(c);
}

/* ---- output ---- */

static void note_lost(struct chardev *c, int err)
{
	int none = 0;

	if (err == EPIPE && c->reader_may_go)
		return;
	atomic_compare_exchange_strong(&c->vm->output_lost, &none, err);
}

/* Lock held. */
static void reader_gone(struct chardev *c)
{
	if (c->out_dead)
		return;
	c->out_dead = true;
	if (!c->reader_may_go)
		vm_request(c->vm, VM_REQUEST_READER_GONE);
}

/* Lock held. */
static void lose_output(struct chardev *c, int err)
{
	c->out_len = 0;
	switch (err) {
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		note_lost(c, EPIPE);
		reader_gone(c);
		return;
	case EBADF:
	case EINVAL:
	case ENXIO:
		c->out_dead = true;
		break;
	}
	note_lost(c, err);
	if (log_limit_ok(&c->lost))
		log_warning("The guest's console output cannot be written, some of it is lost: %s",
			    strerror(err));
}

/* Lock held. Writes what can be written now. */
static void flush_locked(struct chardev *c)
{
	unsigned done = 0;

	while (done < c->out_len) {
		ssize_t n = c->ops->write(c, c->out + done, c->out_len - done);

		if (n == -EINTR)
			continue;
		if (n == -EAGAIN)
			break;
		if (n <= 0) {
			lose_output(c, n ? -n : EIO);
			return;
		}
		done += n;
	}
	c->out_len -= done;
	memmove(c->out, c->out + done, c->out_len);
}

/* Lock held. How much of it was taken. */
static size_t append_locked(struct chardev *c, const u8 *data, size_t len, unsigned limit)
{
	if (c->out_dead) {
		note_lost(c, EPIPE);
		return len;
	}
	len = c->out_len < limit ? MIN(len, (size_t)(limit - c->out_len)) : 0;
	memcpy(c->out + c->out_len, data, len);
	c->out_len += len;
	return len;
}

/* Lock held. Tells the main loop, once. */
static void schedule_locked(struct chardev *c)
{
	if (c->out_len && !c->flush_pending) {
		c->flush_pending = true;
		chardev_wake(c);
	}
}

static void feed_watch(struct chardev *c, const u8 *data, size_t len)
{
	unsigned before = c->watch.verdicts;

	console_watch_feed(&c->watch, data, len);
	/* Only what was said now counts: another console may have more to say of the past. */
	if (c->watch.verdicts == before)
		return;
	c->vm->last_words.no_root = c->watch.no_root;
	last_words_set(c->vm, c->watch.said);
}

/* The main loop must go on, and a vCPU that is wanted elsewhere too. */
static bool may_wait(struct chardev *c)
{
	return !loop_is_current(c->loop) && !vm_ending(c->vm) && !vcpus_parking(c->vm);
}

static void wait_for_reader(struct chardev *c)
{
	struct pollfd p = { .fd = c->out_fd, .events = POLLOUT };

	/* A kick that comes just before poll() is lost: may_wait() is asked again soon. */
	poll(&p, 1, 50);
}

void chardev_write(struct chardev *c, const u8 *data, size_t len)
{
	size_t n;

	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	feed_watch(c, data, len);
	for (;;) {
		n = append_locked(c, data, len, CHARDEV_OUT_SIZE);
		data += n;
		len -= n;
		if (!len)
			break;
		flush_locked(c);
		if (c->out_dead || c->out_len < CHARDEV_OUT_SIZE)
			continue;
		pthread_mutex_unlock(&c->lock);
		if (!may_wait(c)) {
			pthread_mutex_lock(&c->lock);
			append_locked(c, data, len, sizeof(c->out));
			break;
		}
		wait_for_reader(c);
		pthread_mutex_lock(&c->lock);
	}
	schedule_locked(c);
	pthread_mutex_unlock(&c->lock);
}

size_t chardev_try_write(struct chardev *c, const u8 *data, size_t len)
{
	size_t done;

	pthread_mutex_lock(&c->lock);
	done = append_locked(c, data, len, CHARDEV_OUT_SIZE);
	if (done < len) {
		flush_locked(c);
		done += append_locked(c, data + done, len - done, CHARDEV_OUT_SIZE);
	}
	feed_watch(c, data, done);
	if (done < len)
		c->writable_wanted = true;
	schedule_locked(c);
	pthread_mutex_unlock(&c->lock);
	return done;
}

/* Main loop: when the output can go on, or its reader goes. */
static void arm_output(struct chardev *c, bool left, bool dead)
{
	u32 events = left ? EPOLLOUT : 0;

	if (dead || (!left && !c->watched))
		loop_fd_del(&c->out_ready);
	else if (c->out_ready.loop)
		loop_fd_mod(&c->out_ready, events);
	else if (loop_fd_add(c->loop, &c->out_ready, events) && left)
		loop_timer_set(c->loop, &c->flusher, RETRY_NS);
	c->out_armed = c->out_ready.loop && left;
}

/* Main loop. */
static void chardev_flush(struct chardev *c)
{
	bool tell, left, dead;

	pthread_mutex_lock(&c->lock);
	flush_locked(c);
	left = c->out_len > 0;
	c->flush_pending = left;
	dead = c->out_dead;
	tell = c->writable_wanted && c->out_len < CHARDEV_OUT_SIZE / 2;
	if (tell)
		c->writable_wanted = false;
	pthread_mutex_unlock(&c->lock);

	arm_output(c, left, dead);
	if (tell && c->client.writable)
		c->client.writable(c->client.opaque);
}

static void on_output_ready(struct loop_fd *handler, u32 events)
{
	struct chardev *c = CONTAINER_OF(handler, struct chardev, out_ready);

	/* A silent guest's reader goes, too. */
	if (events & (EPOLLERR | EPOLLHUP)) {
		pthread_mutex_lock(&c->lock);
		if (c->out_len)
			lose_output(c, EPIPE);
		else
			reader_gone(c);
		pthread_mutex_unlock(&c->lock);
	}
	chardev_flush(c);
}

void chardev_watch_reader(struct chardev *c)
{
	c->watched = true;
	arm_output(c, false, false);
}

void chardev_tell(struct chardev *c, const char *text)
{
	pthread_mutex_lock(&c->lock);
	append_locked(c, (const u8 *)text, strlen(text), sizeof(c->out));
	schedule_locked(c);
	pthread_mutex_unlock(&c->lock);
}

static void on_flusher(struct loop_timer *timer)
{
	chardev_flush(CONTAINER_OF(timer, struct chardev, flusher));
}

static void on_wake(struct loop_fd *handler, u32 events)
{
	struct chardev *c = CONTAINER_OF(handler, struct chardev, wake);
	bool pending;
	eventfd_t count;

	eventfd_read(handler->fd, &count);
	pthread_mutex_lock(&c->lock);
	pending = c->flush_pending;
	pthread_mutex_unlock(&c->lock);
	if (pending && !c->flusher.deadline && !c->out_armed)
		loop_timer_set(c->loop, &c->flusher, FLUSH_DELAY_NS);
	if (c->ops->woken)
		c->ops->woken(c);
	chardev_pump(c, c->in_unpollable);
}

/* ---- life cycle ---- */

bool chardev_drained(struct device *device, const struct deadline *deadline)
{
	struct chardev *c = CONTAINER_OF(device, struct chardev, device);
	unsigned left;

	pthread_mutex_lock(&c->lock);
	flush_locked(c);
	left = c->out_len;
	pthread_mutex_unlock(&c->lock);
	return !left;
}

void chardev_stop(struct chardev *c)
{
	chardev_set_input(c, false);
	c->watched = false;
	loop_fd_del(&c->out_ready);
}

int chardev_init(struct chardev *c, const struct device_ops *device_ops,
		 const struct chardev_ops *ops, struct vm *vm, const char *name, int in_fd,
		 int out_fd)
{
	device_init(&c->device, device_ops, "%s", name);
	device_add(&vm->devices, &c->device);
	c->ops = ops;
	c->vm = vm;
	c->loop = vm->loop;
	c->in.fd = in_fd;
	c->in.ready = on_input;
	c->out_fd = c->out_ready.fd = out_fd;
	c->out_ready.ready = on_output_ready;
	c->flusher.expired = on_flusher;
	c->lost.burst = 1;
	c->wake.ready = on_wake;
	pthread_mutex_init(&c->lock, NULL);
	c->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return c->wake.fd < 0 ? -errno : loop_fd_add(c->loop, &c->wake, EPOLLIN);
}

void chardev_exit(struct chardev *c)
{
	loop_fd_del(&c->wake);
	loop_fd_del(&c->in);
	loop_fd_del(&c->out_ready);
	loop_timer_cancel(&c->flusher);
	if (c->wake.fd >= 0)
		close(c->wake.fd);
	pthread_mutex_destroy(&c->lock);
}

void chardev_set_client(struct chardev *c, const struct chardev_client *client)
{
	if (c)
		c->client = *client;
}

bool chardev_size(struct chardev *c, u16 *columns, u16 *rows)
{
	return c->ops->size && c->ops->size(c, columns, rows);
}
