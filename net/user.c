// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * User-mode network, lkvm's side: a helper process runs libslirp (user-helper.c), so that what a guest
 * can do to that library it does to a process that has nothing. Here frames go between the device and the
 * helper, in messages of many; what libslirp must not get is held back; and a helper that died or hangs is
 * replaced, with the guest's link down meanwhile. Nothing here waits for the helper once the guest runs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fragments.h"
#include "hazards.h"
#include "lkvm/helper.h"
#include "loopback.h"
#include "user.h"
#include "wire.h"

#define SECOND 1000000000ULL

/*
 * Address space: what the helper lets itself occupy, and buffers of as many connections as it can have, of
 * which most never see a byte. It bounds a helper that is not in good order.
 */
#define HELPER_DESCRIPTORS 2048
#define HELPER_DATA	   ((128ULL << 20) + HELPER_DESCRIPTORS * (256ULL << 10))

/* How long the beginning may take: libraries come from slow disks, too. */
#define BEGIN_MS  20000
/* What the last frames of a guest that ends have to get to the host's sockets. */
#define FINISH_MS 200

/* A new helper comes after a second, and later if the ones before it did not live for a minute. */
#define RESTART_NS     SECOND
#define RESTART_MAX_NS (32 * SECOND)
#define LONG_LIFE_NS   (60 * SECOND)

/* How often it is looked whether the helper still reads what it gets, and how often in vain. */
#define LOOK_NS	    (SECOND / 2)
#define IDLE_NS	    (30 * SECOND)
#define LOOKS_MAX   6
#define BEGIN_LOOKS 40

/* In a network's life. */
#define LINES_HELPER   8
#define LINES_LIBSLIRP 8

enum state {
	NONE,	  /* the next helper is started by `again` */
	STARTING, /* it has been told what to do, and is not ready */
	UP,
};

/* Everything is used on the loop's thread, or before it runs. */
struct user {
	struct net_backend backend;
	const struct net_config *config;
	struct user_setup setup;
	struct loop *loop; /* NULL until start */
	enum state state;
	struct helper helper;
	struct loop_fd socket, messages, life;
	u32 events; /* `socket` is on the loop for */
	bool incoming_wanted, writable_wanted;

	/* To the helper: out[0..out_len) is not sent yet. */
	u8 *out;
	size_t out_len;
	bool out_blocked; /* the helper has to read first */
	/* From it: frames in in[in_at..in_len). */
	u8 *in;
	size_t in_at, in_len;
	bool may_read;		/* asking for another message is worth it */
	struct loop_timer rest; /* the device left some */

	/* Does it read? */
	struct loop_timer look;
	unsigned looks; /* in vain, one after the other */
	int unread;	/* bytes that it had not read when last looked */
	size_t sent;	/* since */
	bool active;	/* so was the network */

	struct loop_timer again;
	u64 started, pause; /* ns: when the last helper was, and how long to wait for the next */

	struct fragments *fragments;
	struct loopback loopback;
	bool loopback_told;
	bool data_valid; /* the guest takes DATA_VALID instead of checking sums itself */
	struct log_limit lines, libslirp_lines;
};

static const struct helper_kind user_helper = {
	.name = "lkvm-net",
	.main = user_helper_main,
	.data = HELPER_DATA,
	.descriptors = HELPER_DESCRIPTORS,
};

static struct user *to_user(struct net_backend *backend)
{
	return CONTAINER_OF(backend, struct user, backend);
}

/* ---- the socket ---- */

static void set_events(struct user *user)
{
	bool in = user->state == STARTING || (user->incoming_wanted && user->in_at == user->in_len);
	bool out = user->out_blocked && (user->writable_wanted || user->out_len);
	u32 events = (in ? EPOLLIN : 0) | (out ? EPOLLOUT : 0);

	if (user->socket.loop && events != user->events && !loop_fd_mod(&user->socket, events))
		user->events = events;
}

static int unread_bytes(const struct user *user)
{
	int bytes = 0;

	return ioctl(user->helper.fd, SIOCOUTQ, &bytes) ? 0 : bytes;
}

/*
 * What waits in the socket is counted with the kernel's overhead, so it is at least what was sent, if
 * nothing was read.
 */
static bool has_read(struct user *user)
{
	int unread = unread_bytes(user);
	bool progress = !unread || (size_t)unread < user->unread + user->sent;

	user->unread = unread;
	user->sent = 0;
	if (progress)
		user->looks = 0;
	return progress;
}

static void look_soon(struct user *user)
{
	if (user->active || !user->loop)
		return;
	user->active = true;
	loop_timer_set(user->loop, &user->look, LOOK_NS);
}

/* False: the helper has to read first. */
static bool send_out(struct user *user)
{
	if (!user->out_len)
		return true;
	if (user->looks)
		has_read(user);
	if (send(user->helper.fd, user->out, user->out_len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    errno == EAGAIN) {
		user->out_blocked = true;
		return false;
	}
	/* Or lost, with the helper: `life` will tell. */
	user->sent += user->out_len;
	user->out_len = 0;
	user->out_blocked = false;
	look_soon(user);
	return true;
}

/* ---- frames to the guest ---- */

/* A helper that says what the real one never would is not ours any more. */
static void distrust(struct user *user)
{
	user->in_at = user->in_len = 0;
	helper_kill(&user->helper);
}

/* NULL: there is none now. */
static const u8 *next_frame(struct user *user, u32 *len)
{
	const u8 *frame;

	if (user->in_at == user->in_len && user->may_read && user->state == UP) {
		ssize_t size = recv(user->helper.fd, user->in, USER_MESSAGE_MAX, MSG_DONTWAIT);

		user->may_read = size >= USER_MESSAGE_GOOD;
		user->in_at = 0;
		user->in_len = MAX(size, 0);
		look_soon(user);
	}
	if (user->in_at == user->in_len)
		return NULL;
	if (user->in_len - user->in_at < USER_LENGTH)
		goto nonsense;
	memcpy(len, user->in + user->in_at, USER_LENGTH);
	frame = user->in + user->in_at + USER_LENGTH;
	if (*len < ETH_HEADER || *len > USER_FRAME_MAX ||
	    *len > user->in_len - user->in_at - USER_LENGTH)
		goto nonsense;
	user->in_at += USER_LENGTH + *len;
	return frame;

nonsense:
	distrust(user);
	return NULL;
}

static ssize_t user_receive(struct net_backend *backend, unsigned pair, const struct iovec *iov,
			    unsigned nr)
{
	struct user *user = to_user(backend);
	struct virtio_net_hdr_v1 header = {};
	const u8 *parts[2];
	size_t lens[2], done = 0, part = 0;
	u32 len;

	parts[1] = next_frame(user, &len);
	if (!parts[1])
		return 0;
	loopback_note(&user->loopback, parts[1], len);
	if (user->data_valid)
		header.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	parts[0] = (u8 *)&header;
	lens[0] = sizeof(header);
	lens[1] = len;
	for (unsigned i = 0; i < nr; i++) {
		u8 *dst = iov[i].iov_base;
		size_t room = iov[i].iov_len;

		while (room && part < 2) {
			size_t n = MIN(room, lens[part] - done);

			memcpy(dst, parts[part] + done, n);
			dst += n;
			room -= n;
			done += n;
			if (done == lens[part]) {
				part++;
				done = 0;
			}
		}
	}
	return sizeof(header) + len;
}

static void hand_over(struct user *user)
{
	if (user->incoming_wanted)
		user->backend.incoming(user->backend.opaque, 0);
	/* The device took its share and left some: it gets the next share in the next round. */
	if (user->incoming_wanted && user->in_at != user->in_len)
		loop_timer_set(user->loop, &user->rest, 0);
	set_events(user);
}

static void rest_expired(struct loop_timer *timer)
{
	hand_over(CONTAINER_OF(timer, struct user, rest));
}

/* ---- frames from the guest ---- */

static void tell_loopback(struct user *user, u16 port)
{
	char host[INET_ADDRSTRLEN];

	if (!port || user->loopback_told)
		return;
	user->loopback_told = true;
	inet_ntop(AF_INET, &user->setup.host, host, sizeof(host));
	log_warning("The guest asked for port %u of the host itself (%s), which is closed to it; "
		    "--network mode=user,loopback=on opens the host's 127.0.0.1",
		    port, host);
}

static bool may_pass(struct user *user, const u8 *frame, size_t len)
{
	u16 port;

	if (loopback_allows(&user->loopback, frame, len, &port))
		return true;
	tell_loopback(user, port);
	/* libslirp would refuse it as well, and answers. */
	return port && user->setup.refuse_loopback;
}

static void append(struct user *user, const u8 *frame, u32 len)
{
	u8 *to = user->out + user->out_len;

	memcpy(to, &len, USER_LENGTH);
	if (frame != to + USER_LENGTH)
		memcpy(to + USER_LENGTH, frame, len);
	/* Mended first: what it means to libslirp is what is judged. */
	if (!hazards_mend(user->loopback.host, to + USER_LENGTH, len) ||
	    !may_pass(user, to + USER_LENGTH, len))
		return;
	user->out_len += USER_LENGTH + len;
}

static int user_transmit(struct net_backend *backend, unsigned pair, const struct iovec *iov,
			 unsigned nr, size_t len)
{
	struct user *user = to_user(backend);
	size_t copied = 0, skip = NET_HDR_LEN;
	const u8 *datagram;
	u8 *frame;

	if (user->state != UP)
		return -ENETDOWN;
	if (len - NET_HDR_LEN > NET_MAX_FRAME)
		return -EMSGSIZE;
	/* A small frame may complete a large datagram. */
	if ((user->out_len >= USER_MESSAGE_GOOD ||
	     user->out_len + USER_LENGTH + len - NET_HDR_LEN > USER_MESSAGE_MAX) &&
	    !send_out(user))
		return -EAGAIN;
	frame = user->out + user->out_len + USER_LENGTH;
	/* What is looked at must not change any more: the guest could. */
	for (unsigned i = 0; i < nr; i++) {
		size_t n = iov[i].iov_len, off = MIN(skip, n);

		skip -= off;
		memcpy(frame + copied, (u8 *)iov[i].iov_base + off, n - off);
		copied += n - off;
	}
	if (!is_fragment(frame, copied)) {
		append(user, frame, copied);
		return 0;
	}
	datagram = fragments_take(user->fragments, frame, &copied, clock_now());
	if (datagram && user->out_len + USER_LENGTH + copied > USER_MESSAGE_MAX && !send_out(user))
		return -ENOBUFS;
	if (datagram)
		append(user, datagram, copied);
	return 0;
}

static void user_flush(struct net_backend *backend, unsigned pair)
{
	struct user *user = to_user(backend);

	send_out(user);
	set_events(user);
}

/* ---- a helper's life ---- */

static void link_changed(struct user *user, bool up)
{
	if (user->backend.link_changed)
		user->backend.link_changed(user->backend.opaque, up);
}

/* The device may go on with what it held back. */
static void let_write(struct user *user)
{
	if (user->writable_wanted)
		user->backend.writable(user->backend.opaque, 0);
}

static void off_loop(struct user *user)
{
	loop_fd_del(&user->socket);
	loop_fd_del(&user->messages);
	loop_fd_del(&user->life);
	loop_timer_cancel(&user->look);
	loop_timer_cancel(&user->rest);
	loop_timer_cancel(&user->again);
}

static int on_loop(struct user *user)
{
	int err;

	user->socket.fd = user->helper.fd;
	user->messages.fd = user->helper.messages;
	user->life.fd = user->helper.life;
	user->events = 0;
	err = loop_fd_add(user->loop, &user->socket, 0);
	if (!err && user->helper.messages >= 0)
		err = loop_fd_add(user->loop, &user->messages, EPOLLIN);
	if (!err)
		err = loop_fd_add(user->loop, &user->life, EPOLLIN);
	user->active = false;
	look_soon(user);
	set_events(user);
	return err;
}

/* Starts one and tells it what to do; that it is ready comes later. */
static int begin(struct user *user)
{
	int err = helper_start(&user->helper, &user_helper);

	user->started = clock_now();
	if (err)
		return err;
	user->out_len = user->in_at = user->in_len = user->sent = user->looks = 0;
	user->out_blocked = false;
	user->unread = 0;
	user->state = STARTING;
	if (send(user->helper.fd, &user->setup, sizeof(user->setup), MSG_NOSIGNAL) < 0)
		return -errno;
	if (user->libslirp_lines.spent == LINES_LIBSLIRP)
		helper_mute(&user->helper);
	return 0;
}

static void lost(struct user *user, const char *how)
{
	u64 now = clock_now();
	bool was_up = user->state == UP;

	off_loop(user);
	helper_end(&user->helper, 0);
	user->state = NONE;
	user->out_len = user->in_at = user->in_len = 0;
	user->out_blocked = false;
	user->pause = now - user->started > LONG_LIFE_NS
			      ? RESTART_NS
			      : MIN(MAX(user->pause * 2, RESTART_NS), RESTART_MAX_NS);
	if (log_limit_ok(&user->lines))
		log_warning(
			"User-mode network: the helper %s; the guest's link is down until the next "
			"one is there%s",
			how,
			user->lines.spent == LINES_HELPER ? " (not told any more after this)" : "");
	loop_timer_set(user->loop, &user->again, user->pause);
	if (was_up)
		link_changed(user, false);
	let_write(user);
}

static void life_ready(struct loop_fd *handler, u32 events)
{
	struct user *user = CONTAINER_OF(handler, struct user, life);
	char how[128];

	if (user->looks >= LOOKS_MAX)
		snprintf(how, sizeof(how), "did not answer");
	else
		helper_how(&user->helper, how, sizeof(how));
	lost(user, how);
}

static void again_expired(struct loop_timer *timer)
{
	struct user *user = CONTAINER_OF(timer, struct user, again);
	int err = begin(user);
	char how[128];

	if (!err)
		err = on_loop(user);
	if (!err)
		return;
	snprintf(how, sizeof(how), "could not be started: %s", strerror(-err));
	lost(user, how);
}

static bool read_ready(struct user *user, struct user_ready *ready)
{
	if (recv(user->helper.fd, ready, sizeof(*ready), MSG_DONTWAIT) != sizeof(*ready))
		return false;
	ready->library[sizeof(ready->library) - 1] = '\0';
	if (ready->forward < 0 || (unsigned)ready->forward >= user->setup.nr_forwards)
		ready->forward = -1;
	return true;
}

static void replaced(struct user *user)
{
	struct user_ready ready;

	if (!read_ready(user, &ready) || (ready.err && ready.forward < 0)) {
		helper_kill(&user->helper);
		return;
	}
	if (ready.err && log_limit_ok(&user->lines))
		user_forward_failed(&user->config->forwards[ready.forward], -ready.err);
	user->state = UP;
	user->looks = 0;
	link_changed(user, true);
}

static void socket_ready(struct loop_fd *handler, u32 events)
{
	struct user *user = CONTAINER_OF(handler, struct user, socket);

	if (events & (EPOLLHUP | EPOLLERR)) {
		/* `life` tells how it ended, once that is known; it must end. */
		loop_fd_del(&user->socket);
		helper_kill(&user->helper);
		return;
	}
	if (events & EPOLLOUT) {
		user->out_blocked = false;
		if (send_out(user))
			let_write(user);
	}
	if (events & EPOLLIN && user->state == STARTING)
		replaced(user);
	if (user->state == UP && events & EPOLLIN) {
		user->may_read = true;
		hand_over(user);
	}
	set_events(user);
}

/* Something small to read, so that it can be seen whether it is read. */
static void ping(struct user *user)
{
	static const u32 nothing;

	if (send(user->helper.fd, &nothing, sizeof(nothing), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		user->sent += sizeof(nothing);
}

static void look_expired(struct loop_timer *timer)
{
	struct user *user = CONTAINER_OF(timer, struct user, look);
	bool alive = user->state == UP && has_read(user), active = user->active;

	if (!alive && ++user->looks >= (user->state == UP ? LOOKS_MAX : BEGIN_LOOKS)) {
		helper_kill(&user->helper);
		return;
	}
	user->active = !alive;
	if (alive)
		ping(user);
	loop_timer_set(user->loop, timer, active || !alive ? LOOK_NS : IDLE_NS);
}

/* ---- what the helper prints ---- */

static void print_line(struct user *user, const char *line)
{
	if (*line && log_limit_ok(&user->libslirp_lines))
		log_info("User-mode network: libslirp: %.200s%s", line,
			 user->libslirp_lines.spent == LINES_LIBSLIRP
				 ? " (not told any more after this)"
				 : "");
}

static void messages_ready(struct loop_fd *handler, u32 events)
{
	struct user *user = CONTAINER_OF(handler, struct user, messages);
	char text[1024], *cursor = text, *line;
	ssize_t len = read(handler->fd, text, sizeof(text) - 1);

	if (len < 0 && errno == EAGAIN)
		return;
	if (len > 0) {
		text[len] = '\0';
		while ((line = strsep(&cursor, "\n")))
			print_line(user, line);
	}
	/* The helper's writes fail from now on: they cost nobody anything. */
	if (len <= 0 || user->libslirp_lines.spent == LINES_LIBSLIRP) {
		loop_fd_del(handler);
		helper_mute(&user->helper);
	}
}

/* ---- what the device calls ---- */

static void user_watch(struct net_backend *backend, unsigned pair, bool incoming, bool writable)
{
	struct user *user = to_user(backend);

	user->writable_wanted = writable;
	if (incoming && !user->incoming_wanted && user->in_at != user->in_len && user->loop)
		loop_timer_set(user->loop, &user->rest, 0);
	user->incoming_wanted = incoming;
	set_events(user);
}

static int user_set_offload(struct net_backend *backend, u64 guest_features)
{
	to_user(backend)->data_valid = guest_features & BIT(VIRTIO_NET_F_GUEST_CSUM);
	return 0;
}

static int user_start(struct net_backend *backend, struct loop *const *loops)
{
	struct user *user = to_user(backend);

	user->loop = loops[0];
	return on_loop(user);
}

static void user_stop(struct net_backend *backend)
{
	struct user *user = to_user(backend);

	off_loop(user);
	user->loop = NULL;
}

static void user_destroy(struct net_backend *backend)
{
	struct user *user = to_user(backend);

	if (user->state == UP)
		send_out(user);
	helper_end(&user->helper, user->state == UP ? FINISH_MS : 0);
	fragments_free(user->fragments);
	free(user->out);
	free(user->in);
	free(user);
}

static const struct net_backend_ops user_ops = {
	.name = "user",
	.transmit = user_transmit,
	.flush = user_flush,
	.receive = user_receive,
	.watch = user_watch,
	.set_offload = user_set_offload,
	.start = user_start,
	.stop = user_stop,
	.destroy = user_destroy,
};

/* ---- making one ---- */

static int configure(struct user *user, const struct net_config *config)
{
	struct loopback *loopback = &user->loopback;
	int err = user_configure(config, &user->setup);

	if (err)
		return err;
	user->config = config;
	loopback->open = config->loopback;
	loopback->network = ntohl(user->setup.network.s_addr);
	loopback->host = ntohl(user->setup.host.s_addr);
	loopback->dns = ntohl(user->setup.dns.s_addr);
	for (unsigned i = 0; i < config->nr_forwards; i++)
		if (config->forwards[i].udp)
			loopback->udp_forwards[loopback->nr_udp_forwards++] =
				config->forwards[i].guest_port;
	/* libslirp's own switch breaks answers by udp: forwards. */
	user->setup.refuse_loopback = !config->loopback && !loopback->nr_udp_forwards;
	return 0;
}

/* The first helper: main thread, nothing runs yet. 0, or -errno, said. */
static int begin_first(struct user *user)
{
	struct pollfd fds[2];
	struct user_ready ready;
	char how[128];
	int err = begin(user);

	if (err) {
		log_error("--network mode=user: its helper process: %s", strerror(-err));
		return err;
	}
	fds[0] = (struct pollfd){ user->helper.fd, POLLIN, 0 };
	fds[1] = (struct pollfd){ user->helper.life, POLLIN, 0 };
	while (poll(fds, 2, BEGIN_MS) < 0 && errno == EINTR)
		;
	if (!read_ready(user, &ready)) {
		snprintf(how, sizeof(how), "does not answer");
		if (fds[1].revents)
			helper_how(&user->helper, how, sizeof(how));
		log_error("--network mode=user: its helper process %s", how);
		return -EIO;
	}
	if (!ready.err) {
		log_debug("User-mode network: libslirp %s", ready.library);
		user->state = UP;
		return 0;
	}
	if (ready.forward >= 0)
		user_forward_failed(&user->config->forwards[ready.forward], -ready.err);
	else if (ready.err == -ELIBACC)
		log_error("--network mode=user: %s; install libslirp, or use -n none",
			  ready.library);
	else
		log_error("--network mode=user: libslirp could not be set up");
	return ready.err;
}

static struct user *new_user(void)
{
	struct user *user = calloc(1, sizeof(*user));

	if (!user)
		return NULL;
	helper_init(&user->helper);
	user->backend.ops = &user_ops;
	user->backend.pairs = 1;
	user->backend.mtu = NET_DEFAULT_MTU;
	user->backend.features = BIT(VIRTIO_NET_F_GUEST_CSUM);
	user->lines.burst = LINES_HELPER;
	user->libslirp_lines.burst = LINES_LIBSLIRP;
	user->socket.ready = socket_ready;
	user->messages.ready = messages_ready;
	user->life.ready = life_ready;
	user->look.expired = look_expired;
	user->rest.expired = rest_expired;
	user->again.expired = again_expired;
	user->out = malloc(USER_MESSAGE_MAX);
	user->in = malloc(USER_MESSAGE_MAX);
	user->fragments = fragments_new();
	if (user->out && user->in && user->fragments)
		return user;
	user_destroy(&user->backend);
	return NULL;
}

struct net_backend *net_user_create(const struct net_config *config)
{
	struct user *user;

	if (config->queue_pairs > 1) {
		log_error("--network mode=user: it has one queue pair, %u were asked for; use "
			  "mode=tap",
			  config->queue_pairs);
		return NULL;
	}
	user = new_user();
	if (!user) {
		log_error("--network mode=user: out of memory");
		return NULL;
	}
	if (configure(user, config) || begin_first(user)) {
		user_destroy(&user->backend);
		return NULL;
	}
	return &user->backend;
}
