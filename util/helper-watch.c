// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lkvm/util/helper-watch.h"

#define SECOND 1000000000ULL

/* A new helper comes after a second, and later if the ones before it did not live for a minute. */
#define RESTART_NS     SECOND
#define RESTART_MAX_NS (32 * SECOND)
#define LONG_LIFE_NS   (60 * SECOND)

/* How often it is looked whether the helper still reads what it gets, and how often in vain. */
#define LOOK_NS	    (SECOND / 2)
#define IDLE_NS	    (30 * SECOND)
#define LOOKS_MAX   6
#define BEGIN_LOOKS 40

/* In its owner's life. */
#define LINES	      8
#define LINES_PRINTED 8

/* ---- does it read? ---- */

/*
 * What waits in the socket is counted with the kernel's overhead, so it is at least what was sent, if
 * nothing was read.
 */
static bool has_read(struct helper_watch *watch)
{
	int unread = 0;
	bool progress;

	ioctl(watch->helper.fd, SIOCOUTQ, &unread);
	progress = !unread || (size_t)unread < watch->unread + watch->sent;
	watch->unread = unread;
	watch->sent = 0;
	if (progress)
		watch->looks = 0;
	return progress;
}

void helper_watch_active(struct helper_watch *watch)
{
	if (watch->active || !watch->loop)
		return;
	watch->active = true;
	loop_timer_set(watch->loop, &watch->look, LOOK_NS);
}

void helper_watch_kick(struct helper_watch *watch)
{
	static const u8 nothing;

	if (watch->looks)
		has_read(watch);
	/* Or lost, with the helper: `life` will tell. */
	if (send(watch->helper.fd, &nothing, sizeof(nothing), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		watch->sent += sizeof(nothing);
}

static void look_expired(struct loop_timer *timer)
{
	struct helper_watch *watch = CONTAINER_OF(timer, struct helper_watch, look);
	bool up = watch->state == HELPER_UP, alive = up && has_read(watch), active = watch->active;

	if (!alive && ++watch->looks >= (up ? LOOKS_MAX : BEGIN_LOOKS)) {
		helper_kill(&watch->helper);
		return;
	}
	watch->active = !alive;
	if (alive)
		helper_watch_kick(watch); /* something to read, to see whether it is read */
	loop_timer_set(watch->loop, timer, active || !alive ? LOOK_NS : IDLE_NS);
}

/* ---- its life ---- */

static void off_loop(struct helper_watch *watch)
{
	loop_fd_del(&watch->socket);
	loop_fd_del(&watch->messages);
	loop_fd_del(&watch->life);
	loop_timer_cancel(&watch->look);
	loop_timer_cancel(&watch->again);
}

static int on_loop(struct helper_watch *watch)
{
	int err;

	watch->socket.fd = watch->helper.fd;
	watch->messages.fd = watch->helper.messages;
	watch->life.fd = watch->helper.life;
	err = loop_fd_add(watch->loop, &watch->socket, EPOLLIN);
	if (!err && watch->helper.messages >= 0)
		err = loop_fd_add(watch->loop, &watch->messages, EPOLLIN);
	if (!err)
		err = loop_fd_add(watch->loop, &watch->life, EPOLLIN);
	watch->active = false;
	helper_watch_active(watch);
	return err;
}

int helper_watch_begin(struct helper_watch *watch)
{
	int err = helper_start(&watch->helper, watch->ops->kind);

	watch->started = clock_now();
	if (err)
		return err;
	watch->sent = watch->looks = 0;
	watch->unread = 0;
	watch->state = HELPER_STARTING;
	err = watch->ops->begin(watch);
	if (!err && watch->printed.spent == LINES_PRINTED)
		helper_mute(&watch->helper);
	return err;
}

bool helper_watch_wait(struct helper_watch *watch, int ms, char *words, size_t size)
{
	struct pollfd fds[2] = { { watch->helper.fd, POLLIN, 0 },
				 { watch->helper.life, POLLIN, 0 } };

	while (poll(fds, 2, ms) < 0 && errno == EINTR)
		;
	if (fds[1].revents)
		helper_words(helper_status(&watch->helper), words, size);
	else
		snprintf(words, size, "does not answer");
	return fds[0].revents & POLLIN;
}

void helper_watch_up(struct helper_watch *watch)
{
	watch->state = HELPER_UP;
	watch->looks = 0;
}

static const char *last_of(const struct log_limit *lines)
{
	return lines->spent == lines->burst ? " (no more of these are logged)" : "";
}

static void watch_lost(struct helper_watch *watch, const char *how)
{
	bool was_up = watch->state == HELPER_UP;

	off_loop(watch);
	helper_end(&watch->helper, 0);
	watch->state = HELPER_NONE;
	watch->pause = clock_now() - watch->started > LONG_LIFE_NS
			       ? RESTART_NS
			       : MIN(MAX(watch->pause * 2, RESTART_NS), RESTART_MAX_NS);
	if (log_limit_ok(&watch->lines))
		log_warning("%s: the helper %s; %s%s", watch->ops->what, how, watch->ops->meanwhile,
			    last_of(&watch->lines));
	loop_timer_set(watch->loop, &watch->again, watch->pause);
	watch->ops->lost(watch, was_up);
}

static void life_ready(struct loop_fd *handler, u32 events)
{
	struct helper_watch *watch = CONTAINER_OF(handler, struct helper_watch, life);
	char how[128];

	if (watch->looks >= LOOKS_MAX)
		snprintf(how, sizeof(how), "did not answer");
	else
		helper_words(helper_status(&watch->helper), how, sizeof(how));
	watch_lost(watch, how);
}

static void again_expired(struct loop_timer *timer)
{
	struct helper_watch *watch = CONTAINER_OF(timer, struct helper_watch, again);
	int err = helper_watch_begin(watch);
	char how[128];

	if (!err)
		err = on_loop(watch);
	if (!err)
		return;
	snprintf(how, sizeof(how), "could not be started: %s", strerror(-err));
	watch_lost(watch, how);
}

static void socket_ready(struct loop_fd *handler, u32 events)
{
	struct helper_watch *watch = CONTAINER_OF(handler, struct helper_watch, socket);

	if (events & (EPOLLHUP | EPOLLERR)) {
		/* `life` tells how it ended, once that is known; it must end. */
		loop_fd_del(&watch->socket);
		helper_kill(&watch->helper);
	} else if (watch->state != HELPER_STARTING) {
		watch->ops->received(watch);
	} else if (!watch->ops->ready(watch)) {
		helper_kill(&watch->helper);
	}
}

/* ---- what it prints ---- */

static void print_line(struct helper_watch *watch, const char *line)
{
	if (*line && log_limit_ok(&watch->printed))
		log_info("%s: %s: %.200s%s", watch->ops->what, watch->ops->prints, line,
			 last_of(&watch->printed));
}

static void messages_ready(struct loop_fd *handler, u32 events)
{
	struct helper_watch *watch = CONTAINER_OF(handler, struct helper_watch, messages);
	char text[1024], *cursor = text, *line;
	ssize_t len = read(handler->fd, text, sizeof(text) - 1);

	if (len < 0 && errno == EAGAIN)
		return;
	if (len > 0) {
		text[len] = '\0';
		while ((line = strsep(&cursor, "\n")))
			print_line(watch, line);
	}
	/* The helper's writes fail from now on: they cost nobody anything. */
	if (len <= 0 || watch->printed.spent == LINES_PRINTED) {
		loop_fd_del(handler);
		helper_mute(&watch->helper);
	}
}

/* ---- its owner ---- */

void helper_watch_init(struct helper_watch *watch, const struct helper_watch_ops *ops)
{
	*watch = (struct helper_watch){
		.ops = ops,
		.lines.burst = LINES,
		.printed.burst = LINES_PRINTED,
		.socket.ready = socket_ready,
		.messages.ready = messages_ready,
		.life.ready = life_ready,
		.look.expired = look_expired,
		.again.expired = again_expired,
	};
	helper_init(&watch->helper);
}

int helper_watch_on(struct helper_watch *watch, struct loop *loop)
{
	watch->loop = loop;
	return on_loop(watch);
}

void helper_watch_off(struct helper_watch *watch)
{
	off_loop(watch);
	watch->loop = NULL;
}

void helper_watch_end(struct helper_watch *watch, int ms)
{
	helper_end(&watch->helper, watch->state == HELPER_UP ? ms : 0);
}
