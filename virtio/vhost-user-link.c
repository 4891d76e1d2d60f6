// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The connection with a back end: made the first time, watched for its end and for what the other side asks by itself, and
 * made again. All but the first is done on the seat's loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "lkvm/util/log.h"
#include "vhost-user-private.h"

#define RETRY_FIRST_NS 100000000ULL
#define RETRY_MOST_NS  1000000000ULL

const char *vhost_user_where(const struct vhost_user *vu)
{
	return vu->want.path ? vu->want.path : "its own process";
}

/* ---- what a back end asks by itself ---- */

static void answer_channel(struct vhost_user *vu, const struct vhost_user_header *asked)
{
	struct {
		struct vhost_user_header header;
		u64 result;
	} __attribute__((packed)) answer = {
		.header = { .request = asked->request,
			    .flags = VHOST_USER_VERSION | VHOST_USER_REPLY,
			    .size = sizeof(answer.result) },
	};

	/* Who does not read his answers does not get them. */
	if (asked->flags & VHOST_USER_NEED_REPLY)
		send(vu->channel.fd, &answer, sizeof(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* One message, if it is all there. False: it is none that a back end may send. */
static bool serve_channel(struct vhost_user *vu)
{
	struct vhost_user_header header;

	if (vu->nr_asked < sizeof(header))
		return true;
	memcpy(&header, vu->asked, sizeof(header));
	if (header.request != VHOST_USER_BACKEND_CONFIG_CHANGE || header.size)
		return false;
	vu->nr_asked = 0;
	/* Once, until the guest has looked: a peer that always has news does not keep it busy. */
	if (!atomic_exchange(&vu->config_stale, true))
		virtio_config_changed(vu->dev);
	answer_channel(vu, &header);
	return true;
}

static void close_channel(struct vhost_user *vu)
{
	loop_fd_del(&vu->channel);
	vu->nr_asked = 0;
}

static void on_channel(struct loop_fd *handler, u32 events)
{
	struct vhost_user *vu = CONTAINER_OF(handler, struct vhost_user, channel);
	/* A header at a time, without descriptors: what would come with it the kernel closes. */
	ssize_t n = recv(handler->fd, vu->asked + vu->nr_asked,
			 sizeof(struct vhost_user_header) - vu->nr_asked, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	vu->nr_asked += MAX(n, (ssize_t)0);
	if (n > 0 && serve_channel(vu))
		return;
	log_debug("%s: its back end asks for what there is not", vu->dev->device.name);
	close_channel(vu);
}

int vhost_user_watch(struct vhost_user *vu)
{
	int err;

	vu->watch.fd = vu->peer.socket.fd;
	/* Answers are for who asked; here only its end counts. */
	err = loop_fd_add(vu->loop, &vu->watch, EPOLLRDHUP);
	if (err || vu->peer.channel < 0)
		return err;
	vu->channel.fd = vu->peer.channel;
	return loop_fd_add(vu->loop, &vu->channel, EPOLLIN);
}

static void on_end(struct loop_fd *handler, u32 events)
{
	struct vhost_user *vu = CONTAINER_OF(handler, struct vhost_user, watch);

	pthread_mutex_lock(&vu->dev->lock);
	vhost_user_lose(vu, "it has ended");
	loop_fd_del(&vu->watch);
	close_channel(vu);
	vhost_user_part(&vu->peer);
	pthread_mutex_unlock(&vu->dev->lock);
	vu->retry_ns = RETRY_FIRST_NS;
	if (vu->folder >= 0)
		loop_timer_set(vu->loop, &vu->retry, vu->retry_ns);
}

/* ---- connecting, the first time and again ---- */

static int connect_to(const struct vhost_user *vu)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *slash = strrchr(vu->want.path, '/');
	int fd, len;

	/* By the folder: its path may be longer than an address, and may lead elsewhere one day. */
	len = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s",
		       vu->folder, slash ? slash + 1 : vu->want.path);
	if (len >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	len = -errno;
	close(fd);
	return len;
}

static int open_folder(struct vhost_user *vu)
{
	const char *slash = strrchr(vu->want.path, '/');
	char *folder =
		slash ? strndup(vu->want.path, MAX(slash - vu->want.path, (ssize_t)1)) : NULL;

	vu->folder = open(folder ?: ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	return vu->folder < 0 ? -errno : 0;
}

/* The next peer must have what the guest was offered. */
static bool peer_is_like(const struct vhost_user *vu, const struct vhost_user_peer *peer)
{
	return !(vu->features & ~peer->features) && vu->peer.has_config == peer->has_config;
}

/* dev->lock held. */
static int take_peer(struct vhost_user *vu, struct vhost_user_peer *peer)
{
	int err;

	if (!peer_is_like(vu, peer)) {
		if (log_limit_ok(&vu->complaints))
			log_warning(
				"%s: who listens on %s now lacks what the guest was offered; it is not used",
				vu->dev->device.name, vhost_user_where(vu));
		vhost_user_part(peer);
		return -EPROTO;
	}
	vu->peer = *peer;
	vu->lost = vu->has_slots = vu->activated = false;
	memset(vu->sizes, 0, sizeof(vu->sizes));
	err = vhost_user_watch(vu);
	if (err) {
		loop_fd_del(&vu->watch);
		vhost_user_part(&vu->peer);
		vu->lost = true;
		return err;
	}
	if (log_limit_ok(&vu->complaints))
		log_info("%s: its back end (%s) is there again", vu->dev->device.name,
			 vhost_user_where(vu));
	vu->config_stale = vu->peer.has_config;
	if (vu->want.resumes)
		virtio_config_changed(vu->dev);
	vhost_user_serve_again(vu);
	return 0;
}

static void set_meeting(struct vhost_user *vu, int fd)
{
	pthread_mutex_lock(&vu->dev->lock);
	if (vu->meeting >= 0)
		close(vu->meeting);
	vu->meeting = fd;
	if (vu->stopping && fd >= 0)
		shutdown(fd, SHUT_RDWR);
	pthread_mutex_unlock(&vu->dev->lock);
}

/* It may take its time, so the lock, which the guest waits for, is not held; and whoever stops the loop ends it. */
static int meet_next(struct vhost_user *vu, struct vhost_user_peer *peer)
{
	int fd = connect_to(vu), err;

	if (fd < 0)
		return fd;
	set_meeting(vu, fcntl(fd, F_DUPFD_CLOEXEC, 0));
	err = vhost_user_meet(peer, &vu->want, fd);
	set_meeting(vu, -1);
	return err;
}

void vhost_user_end_meeting(struct vhost_user *vu)
{
	pthread_mutex_lock(&vu->dev->lock);
	vu->stopping = true;
	if (vu->meeting >= 0)
		shutdown(vu->meeting, SHUT_RDWR);
	pthread_mutex_unlock(&vu->dev->lock);
}

static void on_retry(struct loop_timer *timer)
{
	struct vhost_user *vu = CONTAINER_OF(timer, struct vhost_user, retry);
	struct vhost_user_peer peer;
	int err = meet_next(vu, &peer);

	if (!err) {
		pthread_mutex_lock(&vu->dev->lock);
		err = take_peer(vu, &peer);
		pthread_mutex_unlock(&vu->dev->lock);
	}
	if (!err)
		return;
	vu->retry_ns = MIN(2 * vu->retry_ns, RETRY_MOST_NS);
	loop_timer_set(vu->loop, &vu->retry, vu->retry_ns);
}

/* ---- the first one ---- */

static int open_refused(const struct vhost_user *vu, int err)
{
	const char *help = "";

	if (err == -ENOENT || err == -ECONNREFUSED)
		help = ": start the program that listens there first";
	log_fatal("%s%s: %s%s", vu->want.words, vu->want.path, strerror(-err), help);
	return err;
}

int vhost_user_link(struct vhost_user *vu)
{
	int fd = vu->want.fd, err = 0;

	if (vu->want.path) {
		err = open_folder(vu);
		fd = err ?: connect_to(vu);
		if (fd < 0)
			return open_refused(vu, fd);
	} else {
		fcntl(fd, F_SETFL, O_NONBLOCK);
	}
	err = vhost_user_meet(&vu->peer, &vu->want, fd);
	if (err)
		log_fatal("%s%s: the back end cannot be used: %s", vu->want.words,
			  vu->want.path ?: "", vu->peer.socket.why);
	return err;
}

void vhost_user_link_init(struct vhost_user *vu)
{
	vu->folder = vu->meeting = vu->peer.socket.fd = vu->peer.channel = -1;
	vu->watch.fd = vu->channel.fd = -1;
	vu->watch.ready = on_end;
	vu->channel.ready = on_channel;
	vu->retry.expired = on_retry;
}

void vhost_user_unlink(struct vhost_user *vu)
{
	loop_timer_cancel(&vu->retry);
	loop_fd_del(&vu->watch);
	close_channel(vu);
	vhost_user_part(&vu->peer);
	if (vu->folder >= 0)
		close(vu->folder);
}
