// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * User-mode network, lkvm's side: a helper process runs libslirp (user-helper.c), so that what a guest
 * can do to that library it does to a process that has nothing. Here frames go between the device and the
 * helper, in rings that both have in memory, and what libslirp must not get is held back. While there is no helper
 * (helper-watch.h) the guest's link is down. Nothing here waits for the helper once the guest runs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fragments.h"
#include "hazards.h"
#include "lkvm/util/helper-watch.h"
#include "lkvm/util/iov.h"
#include "lkvm/util/pass-fd.h"
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

/* A ring that was full has space again at half. */
#define SPACE_AGAIN (RING_SIZE / 2)

/* Everything is used on the loop's thread, or before it runs. */
struct user {
	struct net_backend backend;
	const struct net_config *config;
	struct user_setup setup;
	struct helper_watch watch;
	bool incoming_wanted, writable_wanted;

	struct rings rings;
	bool out_blocked; /* the device waits until the helper has taken some */
	u32 untold;	  /* bytes put since it was last looked whether the helper sleeps */
	struct loop_look come;

	u8 piece[NET_MAX_FRAME]; /* a guest's fragment, while it is looked at */
	struct fragments fragments;
	struct loopback loopback;
	bool loopback_told;
	bool data_valid; /* the guest takes DATA_VALID instead of checking sums itself */
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

/* The helper says what the real one never would: it is not ours any more. */
static void user_distrust(struct user *user)
{
	if (user->rings.base)
		helper_kill(&user->watch.helper);
	rings_unmap(&user->rings);
}

/* Frames were put; it gets them now at the latest. */
static void tell_helper(struct user *user)
{
	user->untold = 0;
	helper_watch_active(&user->watch);
	if (ring_show(&user->rings.out))
		helper_watch_kick(&user->watch);
}

/* ---- frames to the guest ---- */

/* NULL: there is none now. It may change while it is copied. */
static const u8 *next_frame(struct user *user, u32 *len)
{
	struct ring *in = &user->rings.in;
	const u8 *frame = user->watch.state == HELPER_UP ? ring_get(in, len) : NULL;

	if (frame && *len >= ETH_HEADER && *len <= USER_FRAME_MAX)
		return frame;
	if (frame || in->broken)
		user_distrust(user);
	return NULL;
}

static void note_loopback(struct user *user, const u8 *frame, u32 len)
{
	u8 headers[ETH_HEADER + 128];
	struct packet packet;

	if (!user->loopback.nr_udp_forwards)
		return;
	len = MIN(len, (u32)sizeof(headers));
	memcpy(headers, frame, len);
	if (packet_parse(&packet, headers, len))
		loopback_note(&user->loopback, &packet);
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

	if (user->watch.state != HELPER_UP || !user->incoming_wanted)
		return false;
	ring_awake(in);
	if (sleeps ? ring_wait_frames(in) : ring_empty(in)) {
		if (in->broken)
			user_distrust(user);
		return false;
	}
	helper_watch_active(&user->watch);
	user->backend.incoming(user->backend.opaque, 0);
	if (ring_wakes_putter(in))
		helper_watch_kick(&user->watch);
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

static bool may_pass(struct user *user, const struct packet *packet)
{
	u16 port;

	if (loopback_allows(&user->loopback, packet, &port))
		return true;
	tell_loopback(user, port);
	/* libslirp would refuse it as well, and answers. */
	return port && user->setup.refuse_loopback;
}

/* False: the helper has to take some first. */
static bool has_space(struct user *user)
{
	struct ring *out = &user->rings.out;

	if (ring_has_space(out, NET_MAX_FRAME))
		return true;
	tell_helper(user);
	user->out_blocked = ring_wait_space(out, SPACE_AGAIN);
	if (out->broken)
		user_distrust(user);
	return !user->out_blocked;
}

static bool user_judge(struct user *user, u8 *frame, size_t len)
{
	struct packet packet;

	return packet_parse(&packet, frame, len) && hazards_mend(user->loopback.host, &packet) &&
	       may_pass(user, &packet);
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
	frame = fragments_take(&user->fragments, user->piece, &len, clock_now());
	if (frame && user_judge(user, frame, len) && ring_put(&user->rings.out, frame, len))
		was_put(user, len);
}

static int user_transmit(struct net_backend *backend, unsigned pair, const struct iovec *iov,
			 unsigned nr, size_t len)
{
	struct user *user = to_user(backend);
	u8 headers[HEADERS_MAX], *frame;
	size_t looked_at;

	if (user->watch.state != HELPER_UP)
		return -ENETDOWN;
	len -= NET_HDR_LEN;
	if (len > NET_MAX_FRAME)
		return -EMSGSIZE;
	/* With space for what a small frame may complete. */
	if (!has_space(user))
		return -EAGAIN;
	/* What is looked at must not change any more: the guest could, and the helper. */
	looked_at = iov_read(iov, nr, NET_HDR_LEN, headers, MIN(len, sizeof(headers)));
	if (is_fragment(headers, looked_at)) {
		transmit_fragment(user, iov, nr, len);
		return 0;
	}
	if (!user_judge(user, headers, looked_at))
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

/* What to do, and the memory that is shared with it. */
static int send_setup(struct user *user)
{
	int memory = rings_memory(), err;

	if (memory < 0)
		return memory;
	err = rings_map(&user->rings, memory, false);
	if (!err)
		err = pass_fds(user->watch.helper.fd, &user->setup, sizeof(user->setup), &memory,
			       1);
	close(memory);
	return err;
}

static struct user *user_watched(struct helper_watch *watch)
{
	return CONTAINER_OF(watch, struct user, watch);
}

static int user_begin(struct helper_watch *watch)
{
	struct user *user = user_watched(watch);

	user->untold = 0;
	user->out_blocked = false;
	return send_setup(user);
}

static void user_lost(struct helper_watch *watch, bool was_up)
{
	struct user *user = user_watched(watch);

	user->out_blocked = false;
	rings_unmap(&user->rings);
	if (was_up)
		link_changed(user, false);
	let_write(user);
}

static bool read_ready(struct user *user, struct user_ready *ready)
{
	if (recv(user->watch.helper.fd, ready, sizeof(*ready), MSG_DONTWAIT) != sizeof(*ready))
		return false;
	ready->library[sizeof(ready->library) - 1] = '\0';
	if (ready->forward < 0 || (unsigned)ready->forward >= user->setup.nr_forwards)
		ready->forward = -1;
	return true;
}

static bool user_ready(struct helper_watch *watch)
{
	struct user *user = user_watched(watch);
	struct user_ready ready;

	if (!read_ready(user, &ready) || (ready.err && ready.forward < 0))
		return false;
	if (ready.err && log_limit_ok(&watch->lines))
		user_forward_failed(&user->config->forwards[ready.forward], -ready.err);
	helper_watch_up(watch);
	link_changed(user, true);
	return true;
}

/* The device may, if it waited for the helper and that has taken frames. */
static void go_on(struct user *user)
{
	if (!user->out_blocked || ring_wait_space(&user->rings.out, SPACE_AGAIN))
		return;
	user->out_blocked = false;
	let_write(user);
}

static void user_received(struct helper_watch *watch)
{
	u8 kicked;

	recv(watch->helper.fd, &kicked, sizeof(kicked), MSG_DONTWAIT);
	go_on(user_watched(watch));
}

static const struct helper_watch_ops user_watch_ops = {
	.kind = &user_helper,
	.what = "User-mode network",
	.meanwhile = "the guest's link is down until the next one is there",
	.prints = "libslirp",
	.begin = user_begin,
	.ready = user_ready,
	.received = user_received,
	.lost = user_lost,
};

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

	loop_set_look(loops[0], &user->come);
	return helper_watch_on(&user->watch, loops[0]);
}

static void user_stop(struct net_backend *backend)
{
	struct user *user = to_user(backend);

	if (user->watch.loop)
		loop_set_look(user->watch.loop, NULL);
	helper_watch_off(&user->watch);
}

static void user_destroy(struct net_backend *backend)
{
	struct user *user = to_user(backend);

	if (user->watch.state == HELPER_UP)
		tell_helper(user);
	helper_watch_end(&user->watch, FINISH_MS);
	fragments_free(&user->fragments);
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

static int user_set_up(struct user *user, const struct net_config *config)
{
	struct loopback *loopback = &user->loopback;
	int err = user_configure(config, &user->setup);

	if (err)
		return err;
	user->config = config;
	loopback->open = config->loopback;
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
	struct user_ready ready;
	char how[128];
	int err = helper_watch_begin(&user->watch);

	if (err) {
		log_error("--network mode=user: its helper process: %s", strerror(-err));
		return err;
	}
	if (!helper_watch_wait(&user->watch, BEGIN_MS, how, sizeof(how)) ||
	    !read_ready(user, &ready)) {
		log_error("--network mode=user: its helper process %s", how);
		return -EIO;
	}
	if (!ready.err) {
		log_debug("User-mode network: libslirp %s", ready.library);
		helper_watch_up(&user->watch);
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

struct net_backend *net_user_create(const struct net_config *config)
{
	struct user *user;

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
	helper_watch_init(&user->watch, &user_watch_ops);
	user->backend.ops = &user_ops;
	user->backend.pairs = 1;
	user->backend.mtu = NET_DEFAULT_MTU;
	user->backend.features = BIT(VIRTIO_NET_F_GUEST_CSUM);
	user->come.look = look_for_frames;
	if (user_set_up(user, config) || begin_first(user)) {
		user_destroy(&user->backend);
		return NULL;
	}
	return &user->backend;
}
