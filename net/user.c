// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * User-mode network: libslirp ends the guest's TCP and UDP in ordinary sockets of this process.
 *
 * libslirp is written for a poll(2) loop: "fill" lists the sockets and what to wait for, "poll" is
 * told what happened. Here its sockets sit in an epoll set of their own, whose descriptor is the one
 * thing the loop sees. A turn asks that set what happened, hands it to libslirp, and brings the set
 * in line with the next fill; only differences cost a system call.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <pthread.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lkvm/net.h"
#include "user.h"

#define FRAME_SLOTS	   512
/* Above this libslirp is not given more to read: TCP data waits in the host's sockets instead. */
#define FRAMES_HIGH	   128
/* The default MTU of libslirp and the Ethernet header. It never sends more. */
#define FRAME_MAX	   (NET_DEFAULT_MTU + 14)
#define EVENTS_MAX	   128
/* A timeout of this or more is libslirp's ceiling, not a timer it waits for: an idle guest sleeps. */
#define IDLE_MS		   1000
/*
 * libslirp keeps the pieces of a packet that is not whole for 30 seconds, however many they are, and
 * searches them one by one. So pieces pass only as fast as this: what it keeps stays below 20 MiB.
 */
#define FRAGMENTS_AT_ONCE  1024
#define FRAGMENTS_A_SECOND 128

struct frame {
	u16 len;
	u8 data[FRAME_MAX];
};

/* One host descriptor, indexed by its number. */
struct watched {
	u32 registered; /* events it has in the epoll set; 0: not there */
	u32 wanted;	/* of the fill numbered `turn` */
	u32 happened;	/* until the next poll */
	u64 turn;
};

struct user_timer {
	struct loop_timer timer;
	struct user *user;
	SlirpTimerCb callback;
	void *opaque;
	u64 deadline; /* ns; 0: off. Timers are set before there is a loop, too. */
};

/* Everything is used on the loop's thread, or before it runs. */
struct user {
	struct net_backend backend;
	Slirp *slirp;
	struct loop *loop; /* NULL until start */
	int epoll_fd;
	struct loop_fd handler; /* epoll_fd's; on the loop while `polling` */
	bool polling;
	bool incoming_wanted;
	bool in_turn, again; /* notify() comes from inside libslirp */
	u64 turn;	     /* number of the last fill */

	struct watched *watched;
	unsigned nr_watched;
	int *fds; /* of the last fill, by libslirp's index */
	unsigned nr_fds, max_fds;
	int *old_fds; /* of the fill before; as long as fds */
	unsigned nr_old;

	struct loop_timer timer; /* the time libslirp asked for, or sooner */
	struct user_timer timers[4];

	struct frame *frames; /* queue[first..end) */
	unsigned first, end;
	u64 dropped;
	unsigned fragments; /* that may pass now */
	u64 fragments_at;   /* ns: when that was counted */
	bool data_valid;    /* the guest takes DATA_VALID instead of checking sums itself */
	struct log_limit guest_errors;
	u8 buffer[NET_MAX_FRAME];
};

/*
 * libslirp keeps the time and the name servers in variables that all its instances share, so two
 * networks, each on its own thread, must take turns.
 */
static pthread_mutex_t slirp_lock = PTHREAD_MUTEX_INITIALIZER;

static void user_turn(struct user *user);

static struct user *to_user(struct net_backend *backend)
{
	return CONTAINER_OF(backend, struct user, backend);
}

bool net_user_available(void)
{
	return true;
}

/* ---- frames to the guest ---- */

static ssize_t send_packet(const void *data, size_t len, void *opaque)
{
	struct user *user = opaque;
	struct frame *frame;

	/* As a network does when the receiver is too slow: TCP sends again, UDP lives with it. */
	if (len > FRAME_MAX || user->end == FRAME_SLOTS) {
		user->dropped++;
		return len;
	}
	frame = &user->frames[user->end++];
	frame->len = len;
	memcpy(frame->data, data, len);
	return len;
}

static ssize_t user_receive(struct net_backend *backend, unsigned pair, const struct iovec *iov,
			    unsigned nr)
{
	struct user *user = to_user(backend);
	struct virtio_net_hdr_v1 header = {};
	struct frame *frame;
	const u8 *parts[2];
	size_t lens[2], done = 0, part = 0;

	if (user->first == user->end)
		return 0;
	frame = &user->frames[user->first++];
	/* No ring: the slots at the beginning are the ones still in the cache. */
	if (user->first == user->end)
		user->first = user->end = 0;
	if (user->data_valid)
		header.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	parts[0] = (u8 *)&header;
	lens[0] = sizeof(header);
	parts[1] = frame->data;
	lens[1] = frame->len;
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
	return sizeof(header) + frame->len;
}

/* ---- libslirp's sockets ---- */

static u32 to_epoll(int events)
{
	return (events & SLIRP_POLL_IN ? EPOLLIN : 0) | (events & SLIRP_POLL_OUT ? EPOLLOUT : 0) |
	       (events & SLIRP_POLL_PRI ? EPOLLPRI : 0) | (events & SLIRP_POLL_ERR ? EPOLLERR : 0) |
	       (events & SLIRP_POLL_HUP ? EPOLLHUP : 0);
}

static int from_epoll(u32 events)
{
	return (events & EPOLLIN ? SLIRP_POLL_IN : 0) | (events & EPOLLOUT ? SLIRP_POLL_OUT : 0) |
	       (events & EPOLLPRI ? SLIRP_POLL_PRI : 0) | (events & EPOLLERR ? SLIRP_POLL_ERR : 0) |
	       (events & EPOLLHUP ? SLIRP_POLL_HUP : 0);
}

static struct watched *watched_of(struct user *user, int fd)
{
	return fd >= 0 && (unsigned)fd < user->nr_watched ? &user->watched[fd] : NULL;
}

static bool grow_watched(struct user *user, int fd)
{
	unsigned nr = user->nr_watched ?: 64;
	struct watched *grown;

	while ((unsigned)fd >= nr)
		nr *= 2;
	grown = realloc(user->watched, nr * sizeof(*grown));
	if (!grown)
		return false;
	memset(grown + user->nr_watched, 0, (nr - user->nr_watched) * sizeof(*grown));
	user->watched = grown;
	user->nr_watched = nr;
	return true;
}

static bool grow_fds(struct user *user)
{
	unsigned max = user->max_fds ? user->max_fds * 2 : 64;
	int *fds = realloc(user->fds, max * sizeof(*fds)), *old;

	if (!fds)
		return false;
	user->fds = fds;
	old = realloc(user->old_fds, max * sizeof(*old));
	if (!old)
		return false;
	user->old_fds = old;
	user->max_fds = max;
	return true;
}

/*
 * The number is about to be closed, or has just been given to another socket. Either way what the
 * kernel's set knew under it is gone or meaningless.
 */
static void forget_fd(int fd, void *opaque)
{
	struct user *user = opaque;
	struct watched *watched = watched_of(user, fd);

	if (!watched)
		return;
	if (watched->registered)
		epoll_ctl(user->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	watched->registered = 0;
	watched->happened = 0;
}

static int add_poll(int fd, int events, void *opaque)
{
	struct user *user = opaque;
	struct watched *watched;

	/* Without memory the socket waits for the next turn; -1 means "not watched" to libslirp. */
	if (fd < 0 || (!watched_of(user, fd) && !grow_watched(user, fd)))
		return -1;
	if (user->nr_fds == user->max_fds && !grow_fds(user))
		return -1;
	watched = &user->watched[fd];
	if (watched->turn != user->turn) {
		watched->turn = user->turn;
		watched->wanted = 0;
	}
	watched->wanted |= to_epoll(events);
	user->fds[user->nr_fds] = fd;
	return user->nr_fds++;
}

static int get_revents(int index, void *opaque)
{
	struct user *user = opaque;
	struct watched *watched;

	if (index < 0 || (unsigned)index >= user->nr_fds)
		return 0;
	watched = watched_of(user, user->fds[index]);
	return watched ? from_epoll(watched->happened) : 0;
}

static void register_events(struct user *user, int fd, struct watched *watched)
{
	struct epoll_event event = { .events = watched->wanted, .data.fd = fd };
	int op = watched->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (watched->registered == watched->wanted)
		return;
	if (epoll_ctl(user->epoll_fd, op, fd, &event) < 0) {
		/* The descriptor was replaced behind our back: the other operation is right. */
		if (errno != EEXIST && errno != ENOENT)
			return;
		op = op == EPOLL_CTL_MOD ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
		if (epoll_ctl(user->epoll_fd, op, fd, &event) < 0)
			return;
	}
	watched->registered = watched->wanted;
}

/* Wakes the loop in `ms`, or sooner if that was set already: an early turn costs little. */
static void arm(struct user *user, u32 ms)
{
	u64 deadline = clock_now() + (u64)ms * 1000000;

	if (user->timer.deadline && user->timer.deadline <= deadline)
		return;
	loop_timer_set(user->loop, &user->timer, (u64)ms * 1000000);
}

static void fill(struct user *user)
{
	u32 timeout = UINT32_MAX;
	int *old = user->old_fds;

	user->old_fds = user->fds;
	user->nr_old = user->nr_fds;
	user->fds = old;
	user->nr_fds = 0;
	user->turn++;
	slirp_pollfds_fill(user->slirp, &timeout, add_poll, user);
	for (unsigned i = 0; i < user->nr_fds; i++)
		register_events(user, user->fds[i], &user->watched[user->fds[i]]);
	for (unsigned i = 0; i < user->nr_old; i++) {
		struct watched *watched = watched_of(user, user->old_fds[i]);

		if (watched && watched->turn != user->turn)
			forget_fd(user->old_fds[i], user);
	}
	if (timeout < IDLE_MS)
		arm(user, timeout);
}

/* What happened on the sockets since. They are only asked while the guest takes frames. */
static void collect(struct user *user)
{
	struct epoll_event events[EVENTS_MAX];
	int n = user->polling ? epoll_wait(user->epoll_fd, events, EVENTS_MAX, 0) : 0;

	for (int i = 0; i < n; i++)
		user->watched[events[i].data.fd].happened = events[i].events;
	slirp_pollfds_poll(user->slirp, 0, get_revents, user);
	for (int i = 0; i < n; i++)
		user->watched[events[i].data.fd].happened = 0;
}

static void set_polling(struct user *user)
{
	bool polling = user->incoming_wanted && user->end - user->first < FRAMES_HIGH;

	if (!user->loop || polling == user->polling)
		return;
	if (!polling)
		loop_fd_del(&user->handler);
	else if (loop_fd_add(user->loop, &user->handler, EPOLLIN))
		return;
	user->polling = polling;
}

static void hand_over(struct user *user)
{
	if (user->incoming_wanted && user->first != user->end)
		user->backend.incoming(user->backend.opaque, 0);
	/* The device took its share and left some: it gets the next share in the next round. */
	if (user->incoming_wanted && user->first != user->end)
		arm(user, 0);
	set_polling(user);
}

/*
 * One round of libslirp. Also after the guest sent something, since libslirp answers some frames at
 * once and others (those that waited for an address to be resolved) only in its poll.
 */
static void user_turn(struct user *user)
{
	if (user->in_turn) {
		user->again = true;
		return;
	}
	user->in_turn = true;
	user->again = false;
	pthread_mutex_lock(&slirp_lock);
	collect(user);
	fill(user);
	pthread_mutex_unlock(&slirp_lock);
	hand_over(user);
	user->in_turn = false;
	if (user->again)
		arm(user, 0);
}

static void handler_ready(struct loop_fd *handler, u32 events)
{
	user_turn(CONTAINER_OF(handler, struct user, handler));
}

static void timer_expired(struct loop_timer *timer)
{
	user_turn(CONTAINER_OF(timer, struct user, timer));
}

/* ---- what libslirp calls ---- */

static void guest_error(const char *message, void *opaque)
{
	struct user *user = opaque;

	if (log_limit_ok(&user->guest_errors))
		log_debug("user-mode network: guest: %s", message);
}

static int64_t clock_get_ns(void *opaque)
{
	return clock_now();
}

static void one_timer_expired(struct loop_timer *timer)
{
	struct user_timer *one = CONTAINER_OF(timer, struct user_timer, timer);

	one->deadline = 0;
	pthread_mutex_lock(&slirp_lock);
	one->callback(one->opaque);
	pthread_mutex_unlock(&slirp_lock);
	user_turn(one->user);
}

static void *timer_new(SlirpTimerCb callback, void *callback_opaque, void *opaque)
{
	struct user *user = opaque;

	for (unsigned i = 0; i < ARRAY_SIZE(user->timers); i++) {
		struct user_timer *one = &user->timers[i];

		if (one->callback)
			continue;
		one->user = user;
		one->callback = callback;
		one->opaque = callback_opaque;
		one->timer.expired = one_timer_expired;
		return one;
	}
	return NULL;
}

static void timer_free(void *timer, void *opaque)
{
	struct user_timer *one = timer;

	if (!one)
		return;
	loop_timer_cancel(&one->timer);
	one->callback = NULL;
	one->deadline = 0;
}

static void arm_one(struct user_timer *one)
{
	u64 now = clock_now();

	loop_timer_set(one->user->loop, &one->timer, one->deadline > now ? one->deadline - now : 0);
}

static void timer_mod(void *timer, int64_t expire_ms, void *opaque)
{
	struct user_timer *one = timer;

	if (!one)
		return;
	one->deadline = expire_ms > 0 ? (u64)expire_ms * 1000000 : 1;
	if (one->user->loop)
		arm_one(one);
}

static void notify(void *opaque)
{
	struct user *user = opaque;

	if (user->in_turn)
		user->again = true;
	else if (user->loop)
		arm(user, 0);
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = clock_get_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = forget_fd,
	.unregister_poll_fd = forget_fd,
	.notify = notify,
};

/* ---- what the device calls ---- */

/* An IPv4 header's "more fragments" or offset; of IPv6 libslirp takes no fragments. */
static bool is_fragment(const u8 *frame, size_t len)
{
	const u8 *ip = frame + 14;

	return len >= 14 + 20 && frame[12] == 0x08 && frame[13] == 0x00 &&
	       ((ip[6] & 0x3f) || ip[7]);
}

static bool may_pass(struct user *user)
{
	u64 now = clock_now(), piece = 1000000000 / FRAGMENTS_A_SECOND;
	u64 more = (now - user->fragments_at) / piece;

	if (more >= FRAGMENTS_AT_ONCE - user->fragments) {
		user->fragments = FRAGMENTS_AT_ONCE;
		user->fragments_at = now;
	} else {
		user->fragments += more;
		user->fragments_at += more * piece;
	}
	if (!user->fragments)
		return false;
	user->fragments--;
	return true;
}

static int user_transmit(struct net_backend *backend, unsigned pair, const struct iovec *iov,
			 unsigned nr, size_t len)
{
	struct user *user = to_user(backend);
	size_t copied = 0, skip = NET_HDR_LEN;

	if (len - NET_HDR_LEN > sizeof(user->buffer))
		return -EMSGSIZE;
	/* libslirp looks at some frames in place: the guest must not change them meanwhile. */
	for (unsigned i = 0; i < nr; i++) {
		size_t n = iov[i].iov_len, off = MIN(skip, n);

		skip -= off;
		memcpy(user->buffer + copied, (u8 *)iov[i].iov_base + off, n - off);
		copied += n - off;
	}
	if (is_fragment(user->buffer, copied) && !may_pass(user))
		return -ENOBUFS;
	pthread_mutex_lock(&slirp_lock);
	slirp_input(user->slirp, user->buffer, copied);
	pthread_mutex_unlock(&slirp_lock);
	return 0;
}

static void user_flush(struct net_backend *backend, unsigned pair)
{
	user_turn(to_user(backend));
}

static void user_watch(struct net_backend *backend, unsigned pair, bool incoming, bool writable)
{
	struct user *user = to_user(backend);

	if (incoming == user->incoming_wanted)
		return;
	user->incoming_wanted = incoming;
	if (incoming && user->first != user->end && user->loop)
		arm(user, 0);
	set_polling(user);
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
	for (unsigned i = 0; i < ARRAY_SIZE(user->timers); i++)
		if (user->timers[i].deadline)
			arm_one(&user->timers[i]);
	set_polling(user);
	arm(user, 0);
	return 0;
}

static void user_stop(struct net_backend *backend)
{
	struct user *user = to_user(backend);

	user->incoming_wanted = false;
	set_polling(user);
	loop_timer_cancel(&user->timer);
	for (unsigned i = 0; i < ARRAY_SIZE(user->timers); i++)
		loop_timer_cancel(&user->timers[i].timer);
	user->loop = NULL;
}

static void user_destroy(struct net_backend *backend)
{
	struct user *user = to_user(backend);

	if (user->dropped)
		log_debug("user-mode network: %llu frames dropped, the guest was too slow",
			  (unsigned long long)user->dropped);
	if (user->slirp) {
		pthread_mutex_lock(&slirp_lock);
		slirp_cleanup(user->slirp);
		pthread_mutex_unlock(&slirp_lock);
	}
	if (user->epoll_fd >= 0)
		close(user->epoll_fd);
	free(user->frames);
	free(user->watched);
	free(user->fds);
	free(user->old_fds);
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

static int make_slirp(struct user *user, const struct net_config *config)
{
	SlirpConfig slirp = {
		.version = 1,
		.in_enabled = true,
		.in6_enabled = true,
		.vprefix_len = 64,
		.vhostname = "lkvm",
	};

	if (user_choose_addresses(config, &slirp))
		return -EINVAL;
	inet_pton(AF_INET6, "fec0::", &slirp.vprefix_addr6);
	inet_pton(AF_INET6, "fec0::2", &slirp.vhost6);
	inet_pton(AF_INET6, "fec0::3", &slirp.vnameserver6);
	user->slirp = slirp_new(&slirp, &callbacks, user);
	if (!user->slirp) {
		log_error("--network mode=user: libslirp could not be set up");
		return -ENOMEM;
	}
	for (unsigned i = 0; i < config->nr_forwards; i++) {
		int error = user_add_forward(user->slirp, &config->forwards[i]);

		if (error)
			return error;
	}
	return 0;
}

struct net_backend *net_user_create(const struct net_config *config)
{
	struct user *user;
	int error;

	if (config->queue_pairs > 1) {
		log_error("--network mode=user: it has one queue pair, %u were asked for; use "
			  "mode=tap",
			  config->queue_pairs);
		return NULL;
	}
	user = calloc(1, sizeof(*user));
	if (!user) {
		log_error("--network mode=user: out of memory");
		return NULL;
	}
	user->backend.ops = &user_ops;
	user->backend.pairs = 1;
	user->backend.mtu = NET_DEFAULT_MTU;
	user->backend.features = BIT(VIRTIO_NET_F_GUEST_CSUM);
	user->guest_errors.burst = 8;
	user->timer.expired = timer_expired;
	user->handler.ready = handler_ready;
	user->frames = malloc(FRAME_SLOTS * sizeof(*user->frames));
	user->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	user->handler.fd = user->epoll_fd;
	if (!user->frames || user->epoll_fd < 0) {
		log_error("--network mode=user: %s", strerror(errno));
		goto fail;
	}
	pthread_mutex_lock(&slirp_lock);
	error = make_slirp(user, config);
	pthread_mutex_unlock(&slirp_lock);
	if (error)
		goto fail;
	return &user->backend;

fail:
	user_destroy(&user->backend);
	return NULL;
}
