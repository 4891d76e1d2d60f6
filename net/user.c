// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * User-mode network, lkvm's side: a helper process runs libslirp (user-helper.c), so that what a guest
 * can do to that library it does to a process that has nothing. Here frames go between the device and the
 * helper, in rings that both have in memory; what libslirp must not get is held back; and a helper that died or hangs is
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
#include "lkvm/util/helper.h"
#include "lkvm/util/iov.h"
#include "loopback.h"
#include "ring.h"
#include "user.h"
#include "wire.h"

#define SECOND 1000000000ULL

/* What the filters look at: headers of Ethernet, IP and TCP with all options that they may have. */
#define HEADERS_MAX (ETH_HEADER + 60 + 60)

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

/* A ring that was full has room again at half. */
#define ROOM_AGAIN (RING_SIZE / 2)

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
	bool incoming_wanted, writable_wanted;

	struct rings rings;
	bool out_blocked; /* the device waits until the helper has taken some */
	u32 untold;	  /* bytes put since it was last looked whether the helper sleeps */
	struct loop_look come;

	/* Does it read? */
	struct loop_timer look;
	unsigned looks; /* in vain, one after the other */
	int unread;	/* bytes that it had not read when last looked */
	size_t sent;	/* since */
	bool active;	/* so was the network */

	struct loop_timer again;
	u64 started, pause; /* ns: when the last helper was, and how long to wait for the next */

	u8 piece[NET_MAX_FRAME]; /* a guest's fragment, while it is looked at */
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

/* ---- waking the helper ---- */

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

static void kick(struct user *user)
{
	static const u8 nothing;

	if (user->looks)
		has_read(user);
	/* Or lost, with the helper: `life` will tell. */
	if (send(user->helper.fd, &nothing, sizeof(nothing), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		user->sent += sizeof(nothing);
}

/* The helper says what the real one never would: it is not ours any more. */
static void distrust(struct user *user)
{
	if (user->rings.base)
		helper_kill(&user->helper);
	rings_unmap(&user->rings);
}

/* Frames were put; it gets them now at the latest. */
static void tell_helper(struct user *user)
{
	user->untold = 0;
	look_soon(user);
	if (ring_show(&user->rings.out))
		kick(user);
}

/* ---- frames to the guest ---- */

/* NULL: there is none now. It may change while it is copied. */
static const u8 *next_frame(struct user *user, u32 *len)
{
	struct ring *in = &user->rings.in;
	const u8 *frame = user->state == UP ? ring_get(in, len) : NULL;

	if (frame && *len >= ETH_HEADER && *len <= USER_FRAME_MAX)
		return frame;
	if (frame || in->broken)
		distrust(user);
	return NULL;
}

static void note_loopback(struct user *user, const u8 *frame, u32 len)
{
	u8 headers[ETH_HEADER + 128];

	if (!user->loopback.nr_udp_forwards)
		return;
	len = MIN(len, (u32)sizeof(headers));
	memcpy(headers, frame, len);
	loopback_note(&user->loopback, headers, len);
}

static ssize_t user_receive(struct net_backend *backend, unsigned pair, const struct iovec *iov,
			    unsigned nr)
{
	struct user *user = to_user(backend);
	struct virtio_net_hdr_v1 header = {};
	const u8 *frame;
	u32 len;

	frame = next_frame(user, &len);
	if (!frame)
		return 0;
	note_loopback(user, frame, len);
	if (user->data_valid)
		header.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	iov_write(iov, nr, 0, &header, sizeof(header));
	iov_write(iov, nr, sizeof(header), frame, len);
	ring_taken(&user->rings.in);
	return sizeof(header) + len;
}

static bool look_for_frames(struct loop_look *look, bool sleeps)
{
	struct user *user = CONTAINER_OF(look, struct user, come);
	struct ring *in = &user->rings.in;

	if (user->state != UP || !user->incoming_wanted)
		return false;
	ring_awake(in);
	if (sleeps ? ring_wait_frames(in) : ring_empty(in)) {
		if (in->broken)
			distrust(user);
		return false;
	}
	look_soon(user);
	user->backend.incoming(user->backend.opaque, 0);
	if (ring_wakes_putter(in))
		kick(user);
	return true;
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

/* False: the helper has to take some first. */
static bool has_room(struct user *user)
{
	struct ring *out = &user->rings.out;

	if (ring_has_room(out, NET_MAX_FRAME))
		return true;
	tell_helper(user);
	user->out_blocked = ring_wait_room(out, ROOM_AGAIN);
	if (out->broken)
		distrust(user);
	return !user->out_blocked;
}

static bool judge(struct user *user, u8 *frame, size_t len)
{
	/* Mended first: what it means to libslirp is what is judged. */
	return hazards_mend(user->loopback.host, frame, len) && may_pass(user, frame, len);
}

static void was_put(struct user *user, u32 len)
{
	user->untold += len;
	if (user->untold >= USER_UNTOLD)
		tell_helper(user);
}

static void transmit_fragment(struct user *user, const struct iovec *iov, unsigned nr, size_t len)
{
	u8 *frame;

	iov_read(iov, nr, NET_HDR_LEN, user->piece, len);
	frame = fragments_take(user->fragments, user->piece, &len, clock_now());
	if (frame && judge(user, frame, len) && ring_put(&user->rings.out, frame, len))
		was_put(user, len);
}

static int user_transmit(struct net_backend *backend, unsigned pair, const struct iovec *iov,
			 unsigned nr, size_t len)
{
	struct user *user = to_user(backend);
	u8 headers[HEADERS_MAX], *frame;
	size_t looked_at;

	if (user->state != UP)
		return -ENETDOWN;
	len -= NET_HDR_LEN;
	if (len > NET_MAX_FRAME)
		return -EMSGSIZE;
	/* With room for what a small frame may complete. */
	if (!has_room(user))
		return -EAGAIN;
	/* What is looked at must not change any more: the guest could, and the helper. */
	looked_at = iov_read(iov, nr, NET_HDR_LEN, headers, MIN(len, sizeof(headers)));
	if (is_fragment(headers, looked_at)) {
		transmit_fragment(user, iov, nr, len);
		return 0;
	}
	if (!judge(user, headers, looked_at))
		return 0;
	frame = ring_reserve(&user->rings.out, len);
	if (!frame)
		return 0;
	memcpy(frame, headers, looked_at);
	iov_read(iov, nr, NET_HDR_LEN + looked_at, frame + looked_at, len - looked_at);
	ring_written(&user->rings.out);
	was_put(user, len);
	return 0;
}

static void user_flush(struct net_backend *backend, unsigned pair)
{
	tell_helper(to_user(backend));
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
	loop_timer_cancel(&user->again);
}

static int on_loop(struct user *user)
{
	int err;

	user->socket.fd = user->helper.fd;
	user->messages.fd = user->helper.messages;
	user->life.fd = user->helper.life;
	err = loop_fd_add(user->loop, &user->socket, EPOLLIN);
	if (!err && user->helper.messages >= 0)
		err = loop_fd_add(user->loop, &user->messages, EPOLLIN);
	if (!err)
		err = loop_fd_add(user->loop, &user->life, EPOLLIN);
	user->active = false;
	look_soon(user);
	return err;
}

/* What to do, and the memory that is shared with it. */
static int send_setup(struct user *user)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec iov = { &user->setup, sizeof(user->setup) };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.space) };
	int memory = rings_memory(), err;

	if (memory < 0)
		return memory;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(memory));
	memcpy(CMSG_DATA(&control.header), &memory, sizeof(memory));
	err = rings_map(&user->rings, memory, false);
	if (!err && sendmsg(user->helper.fd, &message, MSG_NOSIGNAL) < 0)
		err = -errno;
	close(memory);
	return err;
}

/* Starts one and tells it what to do; that it is ready comes later. */
static int begin(struct user *user)
{
	int err = helper_start(&user->helper, &user_helper);

	user->started = clock_now();
	if (err)
		return err;
	user->sent = user->looks = user->untold = 0;
	user->out_blocked = false;
	user->unread = 0;
	user->state = STARTING;
	err = send_setup(user);
	if (!err && user->libslirp_lines.spent == LINES_LIBSLIRP)
		helper_mute(&user->helper);
	return err;
}

static void lost(struct user *user, const char *how)
{
	u64 now = clock_now();
	bool was_up = user->state == UP;

	off_loop(user);
	helper_end(&user->helper, 0);
	user->state = NONE;
	user->out_blocked = false;
	rings_unmap(&user->rings);
	user->pause = now - user->started > LONG_LIFE_NS
			      ? RESTART_NS
			      : MIN(MAX(user->pause * 2, RESTART_NS), RESTART_MAX_NS);
	if (log_limit_ok(&user->lines))
		log_warning(
			"User-mode network: the helper %s; the guest's link is down until the next "
			"one is there%s",
			how,
			user->lines.spent == LINES_HELPER ? " (no more of these are logged)" : "");
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

/* The device may, if it waited for the helper and that has taken frames. */
static void go_on(struct user *user)
{
	if (!user->out_blocked || ring_wait_room(&user->rings.out, ROOM_AGAIN))
		return;
	user->out_blocked = false;
	let_write(user);
}

static void socket_ready(struct loop_fd *handler, u32 events)
{
	struct user *user = CONTAINER_OF(handler, struct user, socket);
	u8 kicked;

	if (events & (EPOLLHUP | EPOLLERR)) {
		/* `life` tells how it ended, once that is known; it must end. */
		loop_fd_del(&user->socket);
		helper_kill(&user->helper);
		return;
	}
	if (user->state == STARTING) {
		replaced(user);
	} else {
		recv(handler->fd, &kicked, sizeof(kicked), MSG_DONTWAIT);
		go_on(user);
	}
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
		kick(user); /* something to read, so that it can be seen whether it is read */
	loop_timer_set(user->loop, timer, active || !alive ? LOOK_NS : IDLE_NS);
}

/* ---- what the helper prints ---- */

static void print_line(struct user *user, const char *line)
{
	if (*line && log_limit_ok(&user->libslirp_lines))
		log_info("User-mode network: libslirp: %.200s%s", line,
			 user->libslirp_lines.spent == LINES_LIBSLIRP
				 ? " (no more of these are logged)"
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
	user->incoming_wanted = incoming;
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
	loop_set_look(user->loop, &user->come);
	return on_loop(user);
}

static void user_stop(struct net_backend *backend)
{
	struct user *user = to_user(backend);

	off_loop(user);
	loop_set_look(user->loop, NULL);
	user->loop = NULL;
}

static void user_destroy(struct net_backend *backend)
{
	struct user *user = to_user(backend);

	if (user->state == UP)
		tell_helper(user);
	helper_end(&user->helper, user->state == UP ? FINISH_MS : 0);
	fragments_free(user->fragments);
	rings_unmap(&user->rings);
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

/* The first helper: main thread, nothing runs yet. Logs and returns -errno on failure. */
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
	user->come.look = look_for_frames;
	user->again.expired = again_expired;
	user->fragments = fragments_new();
	if (user->fragments)
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
