// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where a vsock's connections begin and end on the host: a socket that clients connect to, and those beside it, "SOCKET_PORT",
 * for the guest's own. A helper process connects to them, as lkvm itself looks up no path while the guest runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "lkvm/util/pass-fd.h"
#include "vsock.h"

#define VSOCK_BACKLOG	   128
#define VSOCK_AGAIN_NS	   200000000ULL
#define VSOCK_END_MS	   100
#define VSOCK_HELPER_DATA  MIB(4)
#define VSOCK_HELPER_FILES 16
/* "_4294967295" */
#define VSOCK_SUFFIX	   11

/* What the helper is asked and answers; with a descriptor if err is 0. */
struct dial_request {
	u32 id, port, type;
};
struct dial_answer {
	u32 id;
	int err;
};
_Static_assert(sizeof(struct dial_request) == 12 && sizeof(struct dial_answer) == 8, "no padding");

/* ---- in the helper ---- */

static int dial_connect(const char *name, const struct dial_request *request)
{
	int type = request->type == VIRTIO_VSOCK_TYPE_SEQPACKET ? SOCK_SEQPACKET : SOCK_STREAM;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%.*s_%u",
		 (int)(sizeof(address.sun_path) - VSOCK_SUFFIX - 1), name, request->port);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static void dial_answer(int channel, const struct dial_request *request, int fd)
{
	const struct dial_answer answer = { request->id, fd < 0 ? fd : 0 };
	struct pollfd room = { channel, POLLOUT, 0 };
	int err;

	do {
		poll(&room, 1, -1);
		if (fd >= 0)
			err = pass_fds(channel, &answer, sizeof(answer), &fd, 1);
		else
			err = send(channel, &answer, sizeof(answer), MSG_NOSIGNAL) < 0 ? -errno : 0;
	} while (err == -EAGAIN);
	if (fd >= 0)
		close(fd);
}

static int dial_main(int control)
{
	struct pollfd begin = { control, POLLIN, 0 };
	char name[SIZE_OF(struct vsock_host, name)];
	struct dial_request request;
	int fds[2];

	poll(&begin, 1, -1);
	if (take_fds(control, name, sizeof(name), fds, 2) || fchdir(fds[0]))
		return 1;
	for (;;) {
		struct pollfd wait[2] = { { control, POLLIN, 0 }, { fds[1], POLLIN, 0 } };

		poll(wait, 2, -1);
		if (wait[0].revents)
			return 0;
		if (!wait[1].revents)
			continue;
		if (recv(fds[1], &request, sizeof(request), 0) != sizeof(request))
			return 0;
		dial_answer(fds[1], &request, dial_connect(name, &request));
	}
}

static const struct helper_kind dial_helper_kind = {
	.name = "lkvm-vsock",
	.main = dial_main,
	.data = VSOCK_HELPER_DATA,
	.descriptors = VSOCK_HELPER_FILES,
};

/* ---- in lkvm: connecting ---- */

int vsock_host_dial(struct vsock_host *host, u32 id, u32 port, u16 type)
{
	const struct dial_request request = { id, port, type };

	if (host->helper_lost)
		return -EPIPE;
	if (send(host->answers.fd, &request, sizeof(request), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return errno == EAGAIN ? -EAGAIN : -EPIPE;
	return 0;
}

/* 1, with *fd -1 if there is none; 0: no answer now; -errno: none will come. */
static int read_answer(int channel, struct dial_answer *answer, int *fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { answer, sizeof(*answer) };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *head;

	*fd = -1;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n != sizeof(*answer))
		return -EPIPE;
	head = CMSG_FIRSTHDR(&message);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(head), sizeof(*fd));
	return 1;
}

static void on_answers(struct loop_fd *handler, u32 events)
{
	struct vsock_host *host = CONTAINER_OF(handler, struct vsock_host, answers);
	struct dial_answer answer;
	int fd, ret;

	while ((ret = read_answer(handler->fd, &answer, &fd)) > 0)
		vsock_hub_dialed(host->hub, answer.id, fd);
	if (!ret)
		return;
	loop_fd_del(handler);
	host->helper_lost = true;
	log_warning("virtio-vsock: the process that connects for the guest has ended: its "
		    "connections to the host are refused from now on");
}

static int dial_begin(struct vsock_host *host)
{
	int ends[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	host->answers.fd = ends[0];
	err = helper_start(&host->helper, &dial_helper_kind);
	helper_mute(&host->helper);
	if (!err)
		err = pass_fds(host->helper.fd, host->name, sizeof(host->name),
			       (int[]){ host->folder, ends[1] }, 2);
	close(ends[1]);
	return err;
}

/* ---- in lkvm: listening ---- */

static void on_listener(struct loop_fd *handler, u32 events)
{
	struct vsock_host *host = CONTAINER_OF(handler, struct vsock_host, listener);
	int fd;

	if (host->hub->nr >= host->hub->max) {
		/* Who comes waits in the backlog; vsock_host_room() goes on. */
		loop_fd_del(handler);
		return;
	}
	fd = accept4(handler->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0 && vsock_hub_accept(host->hub, fd)) {
		close(fd);
	} else if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		loop_fd_del(handler);
		loop_timer_set(host->hub->loop, &host->again, VSOCK_AGAIN_NS);
	}
}

void vsock_host_room(struct vsock_host *host)
{
	if (!host->listener.loop)
		loop_fd_add(host->hub->loop, &host->listener, EPOLLIN);
}

static void on_again(struct loop_timer *timer)
{
	vsock_host_room(CONTAINER_OF(timer, struct vsock_host, again));
}

/* The path's folder is opened once; the socket is a name in it from then on. */
static int open_folder(struct vsock_host *host, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char folder[4096];
	int n = snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(name - path) : 1,
			 slash ? path : ".");

	if (!*name || n >= (int)sizeof(folder) ||
	    strlen(name) + VSOCK_SUFFIX >= SIZE_OF(struct sockaddr_un, sun_path) - 26)
		return -ENAMETOOLONG;
	snprintf(host->name, sizeof(host->name), "%s", name);
	host->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return host->folder < 0 ? -errno : 0;
}

static void socket_address(const struct vsock_host *host, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%.*s",
		 host->folder, 80, host->name);
}

/* What nobody listens on any more goes. -EADDRINUSE: somebody does, or it is no socket. */
static int remove_stale(const struct vsock_host *host, const struct sockaddr_un *address)
{
	struct stat st;
	int fd, err;

	if (fstatat(host->folder, host->name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = connect(fd, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;
	close(fd);
	if (err != -ECONNREFUSED)
		return -EADDRINUSE;
	return unlinkat(host->folder, host->name, 0) && errno != ENOENT ? -errno : 0;
}

static int listen_begin(struct vsock_host *host)
{
	struct sockaddr_un address;
	struct stat st;
	int err;

	socket_address(host, &address);
	err = remove_stale(host, &address);
	if (err)
		return err;
	host->listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (host->listener.fd < 0 ||
	    bind(host->listener.fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	if (!fstatat(host->folder, host->name, &st, AT_SYMLINK_NOFOLLOW))
		host->inode = st.st_ino;
	return listen(host->listener.fd, VSOCK_BACKLOG) ? -errno : 0;
}

static const char *vsock_words(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "somebody listens there already; another name would work";
	case -EEXIST:
		return "there is a file that is no socket; another name would work";
	case -ENAMETOOLONG:
		return "the name is empty or too long; up to 70 bytes work";
	default:
		return strerror(-err);
	}
}

int vsock_host_open(struct vsock_host **out, const char *path)
{
	struct vsock_host *host = calloc(1, sizeof(*host));
	int err;

	if (!host)
		return -ENOMEM;
	host->folder = host->listener.fd = host->answers.fd = -1;
	host->listener.ready = on_listener;
	host->answers.ready = on_answers;
	host->again.expired = on_again;
	helper_init(&host->helper);
	err = open_folder(host, path);
	if (!err)
		err = listen_begin(host);
	if (!err)
		err = dial_begin(host);
	if (err) {
		log_fatal("--vsock path=%s: %s", path, vsock_words(err));
		vsock_host_close(host);
		return err;
	}
	*out = host;
	return 0;
}

int vsock_host_start(struct vsock_host *host, struct vsock_hub *hub)
{
	host->hub = hub;
	return loop_fd_add(hub->loop, &host->listener, EPOLLIN)
		       ?: loop_fd_add(hub->loop, &host->answers, EPOLLIN);
}

static void remove_socket(const struct vsock_host *host)
{
	struct stat st;

	/* Somebody may have put another one in its place. */
	if (host->inode && !fstatat(host->folder, host->name, &st, AT_SYMLINK_NOFOLLOW) &&
	    st.st_ino == host->inode)
		unlinkat(host->folder, host->name, 0);
}

void vsock_host_close(struct vsock_host *host)
{
	if (!host)
		return;
	loop_timer_cancel(&host->again);
	loop_fd_del(&host->listener);
	loop_fd_del(&host->answers);
	remove_socket(host);
	helper_end(&host->helper, VSOCK_END_MS);
	if (host->listener.fd >= 0)
		close(host->listener.fd);
	if (host->answers.fd >= 0)
		close(host->answers.fd);
	if (host->folder >= 0)
		close(host->folder);
	free(host);
}
