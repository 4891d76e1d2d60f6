// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages to the back end, and its answers. An answer must be just what was asked for, and must come in time: after
 * anything else nobody knows what the next bytes mean, and the connection is of no use any more.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lkvm/util/loop.h"
#include "vhost-user-private.h"

static const char *const request_names[] = {
	[VHOST_USER_GET_FEATURES] = "GET_FEATURES",
	[VHOST_USER_SET_FEATURES] = "SET_FEATURES",
	[VHOST_USER_SET_OWNER] = "SET_OWNER",
	[VHOST_USER_SET_MEM_TABLE] = "SET_MEM_TABLE",
	[VHOST_USER_SET_VRING_NUM] = "SET_VRING_NUM",
	[VHOST_USER_SET_VRING_ADDR] = "SET_VRING_ADDR",
	[VHOST_USER_SET_VRING_BASE] = "SET_VRING_BASE",
	[VHOST_USER_GET_VRING_BASE] = "GET_VRING_BASE",
	[VHOST_USER_SET_VRING_KICK] = "SET_VRING_KICK",
	[VHOST_USER_SET_VRING_CALL] = "SET_VRING_CALL",
	[VHOST_USER_SET_VRING_ERR] = "SET_VRING_ERR",
	[VHOST_USER_GET_PROTOCOL_FEATURES] = "GET_PROTOCOL_FEATURES",
	[VHOST_USER_SET_PROTOCOL_FEATURES] = "SET_PROTOCOL_FEATURES",
	[VHOST_USER_GET_QUEUE_NUM] = "GET_QUEUE_NUM",
	[VHOST_USER_SET_VRING_ENABLE] = "SET_VRING_ENABLE",
	[VHOST_USER_SET_BACKEND_REQ_FD] = "SET_BACKEND_REQ_FD",
	[VHOST_USER_GET_CONFIG] = "GET_CONFIG",
	[VHOST_USER_SET_CONFIG] = "SET_CONFIG",
	[VHOST_USER_GET_INFLIGHT_FD] = "GET_INFLIGHT_FD",
	[VHOST_USER_SET_INFLIGHT_FD] = "SET_INFLIGHT_FD",
	[VHOST_USER_RESET_DEVICE] = "RESET_DEVICE",
	[VHOST_USER_GET_MAX_MEM_SLOTS] = "GET_MAX_MEM_SLOTS",
	[VHOST_USER_ADD_MEM_REG] = "ADD_MEM_REG",
	[VHOST_USER_REM_MEM_REG] = "REM_MEM_REG",
	[VHOST_USER_SET_STATUS] = "SET_STATUS",
	[VHOST_USER_GET_STATUS] = "GET_STATUS",
};

/* Faster than this part of its time an answer is not slow. */
#define QUICK_PART 100

/* A call's state: what is asked, since when, and until when. */
struct exchange {
	struct vhost_user_socket *socket;
	enum vhost_user_request request;
	u64 began, deadline;
};

static u64 *slow_ones(struct vhost_user_socket *socket, enum vhost_user_request request)
{
	return request == VHOST_USER_GET_VRING_BASE ? &socket->slow_stops : &socket->slow;
}

/*
 * Whoever waits has the device's lock, so one that always answers at the last moment must not have its time again for each
 * message. To stop queues is another matter: that takes what the requests take that are under way.
 */
static struct exchange begin(struct vhost_user_socket *socket, enum vhost_user_request request)
{
	u64 now = clock_now(), all = socket->patience;

	if (request == VHOST_USER_GET_VRING_BASE)
		all *= VHOST_USER_STOP_NS / VHOST_USER_ANSWER_NS;
	socket->why[0] = '\0';
	return (struct exchange){
		.socket = socket,
		.request = request,
		.began = now,
		.deadline = now + all - MIN(*slow_ones(socket, request), all),
	};
}

static void finish(const struct exchange *x)
{
	u64 *slow = slow_ones(x->socket, x->request), took = clock_now() - x->began;

	*slow = took > x->socket->patience / QUICK_PART ? *slow + took : 0;
}

__printf(3, 4) static int exchange_failed(struct exchange *x, int err, const char *fmt, ...)
{
	char *why = x->socket->why;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(why, sizeof(x->socket->why), fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(x->socket->why))
		snprintf(why + len, sizeof(x->socket->why) - len, " %s", request_names[x->request]);
	return err;
}

/* 0: the socket is ready, or its end would be told by the next call. */
static int wait_for(struct exchange *x, short events)
{
	struct pollfd ready = { .fd = x->socket->fd, .events = events };
	u64 now = clock_now();
	u64 left = x->deadline > now ? x->deadline - now : 0;
	int n = poll(&ready, 1, (left + 999999) / 1000000);

	if (n > 0 || (n < 0 && errno == EINTR && left))
		return 0;
	if (events == POLLOUT)
		return exchange_failed(x, -ETIMEDOUT, "it did not even read");
	return exchange_failed(x, -ETIMEDOUT, "it did not answer");
}

/* ---- sending ---- */

union fds_control {
	char bytes[CMSG_SPACE(sizeof(int) * VHOST_USER_MAX_FDS)];
	struct cmsghdr align;
};

static void attach_fds(struct msghdr *message, union fds_control *control, const int *fds,
		       unsigned nr)
{
	struct cmsghdr *head;

	if (!nr)
		return;
	memset(control, 0, sizeof(*control));
	message->msg_control = control;
	message->msg_controllen = CMSG_SPACE(sizeof(int) * nr);
	head = CMSG_FIRSTHDR(message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int) * nr);
	memcpy(CMSG_DATA(head), fds, sizeof(int) * nr);
}

static int send_message(struct exchange *x, u32 flags, const void *payload, u32 size,
			const int *fds, unsigned nr_fds)
{
	struct vhost_user_header header = { .request = x->request,
					    .flags = VHOST_USER_VERSION | flags,
					    .size = size };
	struct iovec iov[] = { { &header, sizeof(header) }, { (void *)payload, size } };
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };
	union fds_control control;
	unsigned nr = 2;
	int err;

	attach_fds(&message, &control, fds, nr_fds);
	while (nr) {
		ssize_t n = sendmsg(x->socket->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			err = wait_for(x, POLLOUT);
			if (err)
				return err;
			continue;
		}
		if (n < 0 && errno != EINTR)
			return exchange_failed(x, -errno, "%s while it was sent", strerror(errno));
		if (n <= 0)
			continue;
		/* Descriptors go with the first byte. */
		message.msg_controllen = 0;
		message.msg_iov = iov_skip(message.msg_iov, &nr, n);
		message.msg_iovlen = nr;
	}
	return 0;
}

/* ---- receiving ---- */

/* Closes what came beside the one that may come. */
static int take_descriptors(struct exchange *x, struct msghdr *message, int *fd)
{
	unsigned unwanted = 0;
	struct cmsghdr *head;

	for (head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
		unsigned nr = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		for (unsigned i = 0; i < nr; i++) {
			int got;

			memcpy(&got, CMSG_DATA(head) + i * sizeof(int), sizeof(got));
			if (fd && *fd < 0) {
				*fd = got;
				continue;
			}
			close(got);
			unwanted++;
		}
	}
	if (!unwanted && !(message->msg_flags & MSG_CTRUNC))
		return 0;
	return exchange_failed(x, -EPROTO,
			       "it sent descriptors that nobody asked for with its answer to");
}

/* fd: where a descriptor may go, as in vhost_user_get(). */
static int receive_bytes(struct exchange *x, void *bytes, size_t size, int *fd)
{
	union fds_control control;
	size_t done = 0;
	int err;

	while (done < size) {
		struct iovec iov = { (u8 *)bytes + done, size - done };
		struct msghdr message = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(x->socket->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n > 0) {
			err = take_descriptors(x, &message, fd);
			done += n;
		} else if (!n) {
			err = exchange_failed(x, -EPIPE, "it ended instead of answering");
		} else if (errno == EAGAIN || errno == EINTR) {
			err = wait_for(x, POLLIN);
		} else {
			err = exchange_failed(x, -errno, "%s instead of the answer to",
					      strerror(errno));
		}
		if (err)
			return err;
	}
	return 0;
}

static int receive_answer(struct exchange *x, void *payload, u32 size, int *fd)
{
	struct vhost_user_header header;
	int err = receive_bytes(x, &header, sizeof(header), fd);

	if (err)
		return err;
	if (header.request != x->request)
		return exchange_failed(x, -EPROTO, "it answered request %u instead of",
				       header.request);
	if ((header.flags & (VHOST_USER_VERSION_MASK | VHOST_USER_REPLY)) !=
	    (VHOST_USER_VERSION | VHOST_USER_REPLY))
		return exchange_failed(x, -EPROTO, "flags 0x%x are in its answer to", header.flags);
	if (header.size != size)
		return exchange_failed(x, -EPROTO, "%u bytes, not %u, are its answer to",
				       header.size, size);
	return receive_bytes(x, payload, size, fd);
}

int vhost_user_get(struct vhost_user_socket *socket, enum vhost_user_request request, void *payload,
		   u32 out_size, u32 size, int *fd)
{
	struct exchange x = begin(socket, request);
	int err;

	if (fd)
		*fd = -1;
	err = send_message(&x, 0, payload, out_size, NULL, 0);
	if (!err)
		err = receive_answer(&x, payload, size, fd);
	finish(&x);
	if (err && fd && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return err;
}

int vhost_user_set(struct vhost_user_socket *socket, enum vhost_user_request request,
		   const void *payload, u32 size, const int *fds, unsigned nr_fds)
{
	struct exchange x = begin(socket, request);
	int err = send_message(&x, socket->ack ? VHOST_USER_NEED_REPLY : 0, payload, size, fds,
			       nr_fds);
	u64 result;

	if (!err && socket->ack)
		err = receive_answer(&x, &result, sizeof(result), NULL);
	finish(&x);
	if (err || !socket->ack)
		return err;
	if (result)
		err = exchange_failed(&x, -EPROTO, "it refused");
	return err;
}
