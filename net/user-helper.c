// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process that ends a guest's TCP and UDP in ordinary sockets of its own, by libslirp.
 *
 * libslirp is written for a poll(2) loop: "fill" lists the sockets and what to wait for, "poll" is
 * told what happened. Here its sockets sit in an epoll set; a turn waits for that set and for lkvm,
 * gives libslirp what came, sends lkvm what it made of it, and brings the set in line with the next
 * fill; only differences cost a system call.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libslirp.h"
#include "lkvm/util/helper.h"
#include "lkvm/util/hops.h"
#include "lkvm/util/loop.h"
#include "lkvm/util/pass-fd.h"
#include "lkvm/util/spin.h"
#include "merge.h"
#include "ring.h"
#include "user.h"

/* More than this wait for lkvm: libslirp is not given more to read, TCP data waits in the host's sockets. */
#define WAITING_MAX  (RING_SIZE / 4)
#define EVENTS_MAX   128
/* A timeout of this or more is libslirp's ceiling, not a timer it waits for: an idle guest sleeps. */
#define IDLE_MS	     1000
/* As old may libslirp's time be when a guest's frame comes. */
#define FRESH_NS     50000000ULL
/* Bytes of lkvm's in one turn. */
#define TURN_MAX     (128 << 10)
/*
 * What it may really occupy, looked at every so many turns. Its address space is larger: libslirp gives a
 * connection buffers of 256 KiB, of which most never see a byte.
 */
#define MEMORY_MAX   (128 << 20)
#define MEMORY_TURNS 16
/* How long no connection is accepted at a forwarded port after descriptors ran out. */
#define FULL_NS	     100000000ULL
/* Buffers of connections are given back when these end, not kept for others. */
#define BUFFER_LARGE (64 << 10)

/* One host descriptor, indexed by its number. */
struct watched {
	u32 registered; /* events it has in the epoll set; 0: not there */
	u32 wanted;	/* of the fill numbered `turn` */
	u32 happened;	/* until the next poll */
	u64 turn;
};

struct timer {
	SlirpTimerCb callback; /* NULL: free */
	void *opaque;
	u64 deadline; /* ns; 0: off */
};

struct side {
	struct libslirp lib;
	Slirp *slirp;
	int fd; /* lkvm's */
	int epoll_fd;
	int statm_fd;
	struct spin spin;
	bool again; /* libslirp wants another turn at once */
	bool ended; /* lkvm has */
	u64 turn;   /* number of the last fill */
	u64 polled; /* ns: when libslirp last was */

	struct watched *watched;
	unsigned nr_watched;
	struct timer timers[4];
	u64 listeners;	/* a bit for each descriptor of a TCP forward */
	u64 full_until; /* ns; 0: they are watched */

	struct rings rings;
	u32 untold; /* bytes put since it was last looked whether lkvm sleeps */
	struct merge merge;
};

/* ---- frames to the guest ---- */

static void side_kick(struct side *side)
{
	static const u8 nothing;

	/* When the socket is full there is enough to wake it. */
	if (send(side->fd, &nothing, sizeof(nothing), MSG_DONTWAIT) < 0 && errno == EPIPE)
		side->ended = true;
}

static void tell_lkvm(struct side *side)
{
	side->untold = 0;
	if (ring_show(&side->rings.out))
		side_kick(side);
}

static ssize_t send_packet(const void *data, size_t len, void *opaque)
{
	struct side *side = opaque;

	/* As a network does when the receiver is too slow: TCP sends again, UDP lives with it. */
	if (len > USER_FRAME_MAX || !ring_put(&side->rings.out, data, len))
		return len;
	side->untold += len;
	/* lkvm can take it while more is made. */
	if (side->untold >= USER_UNTOLD)
		tell_lkvm(side);
	return len;
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

static struct watched *watched_of(struct side *side, int fd)
{
	return fd >= 0 && (unsigned)fd < side->nr_watched ? &side->watched[fd] : NULL;
}

static bool grow_watched(struct side *side, int fd)
{
	unsigned nr = side->nr_watched ?: 16;
	struct watched *grown;

	while ((unsigned)fd >= nr)
		nr *= 2;
	grown = realloc(side->watched, nr * sizeof(*grown));
	if (!grown)
		return false;
	memset(grown + side->nr_watched, 0, (nr - side->nr_watched) * sizeof(*grown));
	side->watched = grown;
	side->nr_watched = nr;
	return true;
}

/* What the kernel's set knows under this number is not wanted, gone or meaningless. */
static void forget_fd(int fd, void *opaque)
{
	struct side *side = opaque;
	struct watched *watched = watched_of(side, fd);

	if (!watched)
		return;
	if (watched->registered)
		epoll_ctl(side->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	watched->registered = 0;
	watched->happened = 0;
}

static void register_fd(int fd, void *opaque)
{
	forget_fd(fd, opaque);
	hops_remember(fd);
}

static void unregister_fd(int fd, void *opaque)
{
	forget_fd(fd, opaque);
	hops_forget(fd);
}

static bool is_listener(const struct side *side, int fd)
{
	return fd >= 0 && fd < 64 && (side->listeners & BIT(fd));
}

/*
 * libslirp would try to accept, fail, and be told again at once, for as long as somebody holds all the
 * descriptors.
 */
static bool can_accept(struct side *side)
{
	int fd = dup(side->fd);

	if (fd >= 0)
		close(fd);
	else
		side->full_until = clock_now() + FULL_NS;
	return fd >= 0;
}

/* libslirp's index of a socket is its descriptor. */
static int add_poll(int fd, int events, void *opaque)
{
	struct side *side = opaque;
	struct watched *watched;

	if (side->full_until && is_listener(side, fd))
		return -1;
	/* Without memory the socket waits for the next turn; -1 means "not watched" to libslirp. */
	if (fd < 0 || (!watched_of(side, fd) && !grow_watched(side, fd)))
		return -1;
	watched = &side->watched[fd];
	if (watched->turn != side->turn) {
		watched->turn = side->turn;
		watched->wanted = 0;
	}
	watched->wanted |= to_epoll(events);
	return fd;
}

static int get_revents(int fd, void *opaque)
{
	struct watched *watched = watched_of(opaque, fd);

	return watched ? from_epoll(watched->happened) : 0;
}

static void register_events(struct side *side, int fd, struct watched *watched)
{
	struct epoll_event event = { .events = watched->wanted, .data.fd = fd };
	int op = watched->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (watched->registered == watched->wanted)
		return;
	if (epoll_ctl(side->epoll_fd, op, fd, &event) < 0) {
		/* The descriptor was replaced behind our back: the other operation is right. */
		if (errno != EEXIST && errno != ENOENT)
			return;
		op = op == EPOLL_CTL_MOD ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
		if (epoll_ctl(side->epoll_fd, op, fd, &event) < 0)
			return;
	}
	watched->registered = watched->wanted;
}

/* Milliseconds that libslirp wants to wait at most; -1: for ever. */
static int side_fill(struct side *side)
{
	u32 timeout = UINT32_MAX;

	side->turn++;
	if (side->full_until && side->full_until <= clock_now())
		side->full_until = 0;
	side->lib.pollfds_fill(side->slirp, &timeout, add_poll, side);
	for (unsigned fd = 0; fd < side->nr_watched; fd++) {
		struct watched *watched = &side->watched[fd];

		if (watched->turn == side->turn)
			register_events(side, fd, watched);
		else if (watched->registered)
			forget_fd(fd, side);
	}
	if (side->full_until)
		timeout = MIN(timeout, FULL_NS / 1000000);
	return timeout < IDLE_MS ? (int)timeout : -1;
}

/* ---- what libslirp calls ---- */

static void guest_error(const char *text, void *opaque)
{
	fprintf(stderr, "%s\n", text);
}

static int64_t clock_get_ns(void *opaque)
{
	return clock_now();
}

static void *timer_new(SlirpTimerCb callback, void *callback_opaque, void *opaque)
{
	struct side *side = opaque;

	for (unsigned i = 0; i < ARRAY_SIZE(side->timers); i++) {
		struct timer *timer = &side->timers[i];

		if (timer->callback)
			continue;
		timer->callback = callback;
		timer->opaque = callback_opaque;
		return timer;
	}
	return NULL;
}

static void timer_free(void *opaque_timer, void *opaque)
{
	struct timer *timer = opaque_timer;

	if (timer)
		memset(timer, 0, sizeof(*timer));
}

static void timer_mod(void *opaque_timer, int64_t expire_ms, void *opaque)
{
	struct timer *timer = opaque_timer;

	if (timer)
		timer->deadline = expire_ms > 0 ? (u64)expire_ms * 1000000 : 1;
}

static void side_notify(void *opaque)
{
	((struct side *)opaque)->again = true;
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = clock_get_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = register_fd,
	.unregister_poll_fd = unregister_fd,
	.notify = side_notify,
};

static void run_timers(struct side *side)
{
	for (unsigned i = 0; i < ARRAY_SIZE(side->timers); i++) {
		struct timer *timer = &side->timers[i];

		if (!timer->deadline || timer->deadline > clock_now())
			continue;
		timer->deadline = 0;
		timer->callback(timer->opaque);
	}
}

static int side_sooner(const struct side *side, int timeout)
{
	u64 now = clock_now();

	for (unsigned i = 0; i < ARRAY_SIZE(side->timers); i++) {
		u64 deadline = side->timers[i].deadline;
		u64 ms = deadline > now ? (deadline - now) / 1000000 + 1 : 0;

		if (deadline && (timeout < 0 || ms < (u64)timeout))
			timeout = ms;
	}
	return timeout;
}

/* ---- a turn ---- */

static void pass_merged(struct side *side)
{
	u32 len;
	const u8 *frame = merge_end(&side->merge, &len);

	if (frame)
		side->lib.input(side->slirp, frame, len);
}

/* lkvm is trusted not to change it. */
static void pass_frame(struct side *side, const u8 *frame, u32 len)
{
	if (merge_add(&side->merge, frame, len))
		return;
	pass_merged(side);
	if (!merge_add(&side->merge, frame, len))
		side->lib.input(side->slirp, frame, len);
}

static void take_frames(struct side *side)
{
	struct ring *in = &side->rings.in;
	const u8 *frame;
	u32 len, taken = 0;

	while ((taken < TURN_MAX || side->ended) && (frame = ring_get(in, &len))) {
		pass_frame(side, frame, len);
		ring_taken(in);
		taken += len;
	}
	pass_merged(side);
	if (ring_wakes_putter(in))
		side_kick(side);
}

static void take_kick(struct side *side)
{
	u8 kicked;

	if (!recv(side->fd, &kicked, sizeof(kicked), MSG_DONTWAIT))
		side->ended = true;
}

static int wait_sockets(struct side *side, int timeout, struct epoll_event *events)
{
	struct ring *in = &side->rings.in;
	bool last, found;
	int n;

	spin_begin(&side->spin);
	do {
		last = !timeout || !spin_on(&side->spin);
		found = last && timeout ? !ring_wait_frames(in) : !ring_empty(in);
		n = epoll_wait(side->epoll_fd, events, EVENTS_MAX, last && !found ? timeout : 0);
	} while (!n && !found && !last);
	spin_end(&side->spin);
	ring_awake(in);
	return n;
}

/* The guest takes no frames: libslirp's sockets are left alone, only what the guest sends is waited for. */
static void wait_lkvm(struct side *side, int timeout)
{
	struct pollfd fd = { side->fd, POLLIN, 0 };

	if (poll(&fd, 1, ring_wait_frames(&side->rings.in) ? timeout : 0) > 0)
		take_kick(side);
	ring_awake(&side->rings.in);
}

/* Waits, and tells libslirp what happened: on `nr` sockets. */
static int wait_events(struct side *side, int timeout, struct epoll_event *events)
{
	int n, nr = 0;

	if (ring_used(&side->rings.out) > WAITING_MAX &&
	    ring_wait_space(&side->rings.out, WAITING_MAX)) {
		wait_lkvm(side, timeout);
		return 0;
	}
	n = wait_sockets(side, timeout, events);
	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == side->fd) {
			take_kick(side);
			continue;
		}
		if (is_listener(side, events[i].data.fd) && !can_accept(side))
			continue;
		side->watched[events[i].data.fd].happened = events[i].events;
		events[nr++] = events[i];
	}
	return nr;
}

static bool too_large(struct side *side)
{
	unsigned long resident;
	char text[128];
	ssize_t len;

	if (side->turn % MEMORY_TURNS)
		return false;
	len = pread(side->statm_fd, text, sizeof(text) - 1, 0);
	if (len <= 0)
		return false;
	text[len] = '\0';
	return sscanf(text, "%*u %lu", &resident) == 1 &&
	       resident > MEMORY_MAX / (unsigned long)sysconf(_SC_PAGESIZE);
}

/* libslirp's time is that of the last poll: what begins after a long sleep must not have expired. */
static void poll_slirp(struct side *side)
{
	side->again = false;
	side->polled = clock_now();
	side->lib.pollfds_poll(side->slirp, 0, get_revents, side);
}

static int side_run(struct side *side)
{
	struct epoll_event events[EVENTS_MAX];

	while (!side->ended && !side->rings.in.broken && !side->rings.out.broken) {
		int timeout = side_sooner(side, side_fill(side));
		int nr = wait_events(side, side->again ? 0 : timeout, events);
		bool lkvm = !ring_empty(&side->rings.in);

		if (nr || !lkvm || clock_now() - side->polled > FRESH_NS)
			poll_slirp(side);
		for (int i = 0; i < nr; i++)
			side->watched[events[i].data.fd].happened = 0;
		if (lkvm) {
			take_frames(side);
			/* Some frames are answered at once, others (those that waited for an address to be
			 * resolved) only in a poll. */
			poll_slirp(side);
		}
		run_timers(side);
		tell_lkvm(side);
		if (too_large(side))
			return HELPER_EXIT_MEMORY;
	}
	return 0;
}

/* ---- the beginning ---- */

static int add_forwards(struct side *side, const struct user_setup *setup, int *failed)
{
	for (unsigned i = 0; i < setup->nr_forwards; i++) {
		const struct user_forward *forward = &setup->forwards[i];
		bool ip6 = forward->from.any.sa_family == AF_INET6;
		socklen_t len = ip6 ? sizeof(forward->from.in6) : sizeof(forward->from.in);

		errno = 0;
		if (!side->lib.add_hostxfwd(side->slirp, &forward->from.any, len, &forward->to.any,
					    len,
					    (forward->udp ? SLIRP_HOSTFWD_UDP : 0) |
						    (ip6 ? SLIRP_HOSTFWD_V6ONLY : 0)))
			continue;
		*failed = i;
		return -(errno ?: EADDRINUSE);
	}
	return 0;
}

/* Forwards are made first and get the lowest numbers. */
static void find_listeners(struct side *side)
{
	for (int fd = 0; fd < 64; fd++) {
		int listens = 0;
		socklen_t size = sizeof(listens);

		if (!getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) && listens)
			side->listeners |= BIT(fd);
	}
}

static int make_slirp(struct side *side, const struct user_setup *setup)
{
	SlirpConfig config = {
		.version = 1,
		.in_enabled = true,
		.in6_enabled = true,
		.vprefix_len = 64,
		.vhostname = "lkvm",
		.vnetwork.s_addr = setup->host.s_addr & htonl(0xffffff00),
		.vnetmask.s_addr = htonl(0xffffff00),
		.vhost = setup->host,
		.vdhcp_start = setup->guest,
		.vnameserver = setup->dns,
		.disable_host_loopback = setup->refuse_loopback,
	};

	inet_pton(AF_INET6, "fec0::", &config.vprefix_addr6);
	inet_pton(AF_INET6, "fec0::2", &config.vhost6);
	inet_pton(AF_INET6, "fec0::3", &config.vnameserver6);
	side->slirp = side->lib.new(&config, &callbacks, side);
	return side->slirp ? 0 : -ENOMEM;
}

static void make_ready(struct side *side, const struct user_setup *setup, struct user_ready *ready)
{
	const char *why = libslirp_load(&side->lib);

	ready->forward = -1;
	snprintf(ready->library, sizeof(ready->library), "%s", why ?: side->lib.version_string());
	ready->err = why ? -ELIBACC : make_slirp(side, setup);
	if (!ready->err)
		ready->err = add_forwards(side, setup, &ready->forward);
	find_listeners(side);
}

/* What to do, and the memory that is shared with lkvm. */
static int read_setup(struct side *side, struct user_setup *setup)
{
	struct pollfd first = { .fd = side->fd, .events = POLLIN };
	int memory, err;

	poll(&first, 1, -1);
	if (take_fds(side->fd, setup, sizeof(*setup), &memory, 1))
		return -EPIPE;
	err = rings_map(&side->rings, memory, true);
	close(memory);
	return err;
}

int user_helper_main(int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	struct user_ready ready = {};
	struct user_setup setup;
	struct side *side;

#ifdef M_MMAP_THRESHOLD
	mallopt(M_MMAP_THRESHOLD, BUFFER_LARGE);
#endif
	side = calloc(1, sizeof(*side));
	if (!side)
		return HELPER_EXIT_MEMORY;
	side->fd = fd;
	side->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	side->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(side->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		return HELPER_EXIT_MEMORY;
	if (read_setup(side, &setup))
		return 0;
	make_ready(side, &setup, &ready);
	if (send(fd, &ready, sizeof(ready), 0) < 0 || !side->slirp)
		return 0;
	return side_run(side);
}
