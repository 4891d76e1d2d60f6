/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest on the user-mode back end: it makes its frames by hand, answers ARP, and looks at what comes until
 * it has what it waits for. Servers are ordinary sockets of the test on the loopback interface, which the
 * guest sees as 10.0.2.2.
 */
#ifndef TEST_USER_GUEST_H
#define TEST_USER_GUEST_H

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "test.h"
#include "lkvm/util/helper.h"
#include "lkvm/net/backend.h"

#define GUEST_IP 0x0a00020f
#define HOST_IP	 0x0a000202
#define DNS_IP	 0x0a000203
#define ETH	 14

static const u8 guest_mac[6] = { 0x02, 0, 0, 0, 0, 1 };

struct guest {
	struct net_backend *backend;
	struct loop *loop;
	struct loop_timer patience;
	bool impatient;
	bool wants_writable, asleep;
	bool more; /* frames of the same row follow: no flush yet */
	u8 hops;   /* of IPv4 packets; 0: 64 */
	bool link_up;
	unsigned link_changes;
	bool (*wants)(struct guest *guest, const u8 *frame, size_t len);
	bool got;
	u8 frame[2048]; /* the last one that was wanted */
	size_t len;
	u8 flags; /* of its header */
	/* What came and was not looked at yet. */
	struct {
		u8 data[NET_HDR_LEN + 1514];
		size_t len;
	} fifo[6000];
	unsigned first, end;
	unsigned wakeups;
	/* TCP. */
	u16 port, peer_port;
	u32 seq, ack;
	u8 stream[256 * 1024];
	size_t received;
	bool fin;
};

/* ---- numbers on the wire ---- */

static inline void put16(u8 *p, u16 v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline void put32(u8 *p, u32 v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static inline u16 get16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static inline u32 get32(const u8 *p)
{
	return (u32)get16(p) << 16 | get16(p + 2);
}

static inline u32 sum(u32 acc, const u8 *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		acc += i & 1 ? p[i] : p[i] << 8;
	return acc;
}

static inline u16 fold(u32 acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return ~acc;
}

/* ---- the guest's side of the wire ---- */

static inline void watch(struct guest *g)
{
	g->backend->ops->watch(g->backend, 0, !g->asleep, g->wants_writable);
}

static inline void transmit(struct guest *g, const u8 *frame, size_t len)
{
	u8 header[NET_HDR_LEN] = {};
	/* In odd pieces. */
	struct iovec iov[4] = { { header, 7 },
				{ header + 7, NET_HDR_LEN - 7 },
				{ (void *)frame, MIN(len, (size_t)3) },
				{ (void *)(frame + MIN(len, (size_t)3)),
				  len - MIN(len, (size_t)3) } };

	int err;

	while ((err = g->backend->ops->transmit(g->backend, 0, iov, 4, NET_HDR_LEN + len)) ==
	       -EAGAIN) {
		g->wants_writable = true;
		watch(g);
		loop_run(g->loop);
	}
	assert_true(!err || (err == -ENETDOWN && !g->link_up));
	if (!g->more)
		g->backend->ops->flush(g->backend, 0);
}

static inline void answer_arp(struct guest *g, const u8 *frame, size_t len)
{
	u8 reply[64] = {};

	if (len < 42 || get16(frame + 12) != 0x0806 || get16(frame + 20) != 1 ||
	    get32(frame + 38) != GUEST_IP)
		return;
	memcpy(reply, frame + 6, 6);
	memcpy(reply + 6, guest_mac, 6);
	memcpy(reply + 12, frame + 12, 8);
	put16(reply + 20, 2);
	memcpy(reply + 22, guest_mac, 6);
	put32(reply + 28, GUEST_IP);
	memcpy(reply + 32, frame + 22, 10);
	transmit(g, reply, sizeof(reply));
}

/* Looks at frames in their order until one is wanted. */
static inline void look(struct guest *g)
{
	while (!g->got && g->first < g->end) {
		u8 *data = g->fifo[g->first].data;

		g->len = g->fifo[g->first++].len - NET_HDR_LEN;
		g->flags = data[0];
		memcpy(g->frame, data + NET_HDR_LEN, g->len);
		g->got = g->wants(g, g->frame, g->len);
	}
	if (g->first == g->end)
		g->first = g->end = 0;
}

/* For one more frame. When all is full, what nobody waits for is forgotten. */
static inline u8 *room(struct guest *g)
{
	if (g->end == ARRAY_SIZE(g->fifo)) {
		if (g->wants)
			look(g);
		g->first = g->end = 0;
	}
	return g->fifo[g->end].data;
}

static inline void incoming(void *opaque, unsigned pair)
{
	struct guest *g = opaque;
	ssize_t len;

	g->wakeups++;
	for (;;) {
		u8 *data = room(g);
		struct iovec iov[2] = { { data, 13 }, { data + 13, sizeof(g->fifo[0].data) - 13 } };

		len = g->backend->ops->receive(g->backend, 0, iov, 2);
		if (len <= 0)
			break;
		assert_true(len > NET_HDR_LEN + ETH && (size_t)len <= sizeof(g->fifo[0].data));
		g->fifo[g->end++].len = len;
		answer_arp(g, data + NET_HDR_LEN, len - NET_HDR_LEN);
	}
	assert_int_equal(len, 0);
	loop_stop(g->loop);
}

static inline void writable(void *opaque, unsigned pair)
{
	struct guest *g = opaque;

	g->wants_writable = false;
	watch(g);
	loop_stop(g->loop);
}

static inline void link_changed(void *opaque, bool up)
{
	struct guest *g = opaque;

	g->link_up = up;
	g->link_changes++;
	loop_stop(g->loop);
}

static inline void lost_patience(struct loop_timer *timer)
{
	struct guest *g = CONTAINER_OF(timer, struct guest, patience);

	g->impatient = true;
	loop_stop(g->loop);
}

/* Runs until a wanted frame came, or the link went down. The time is only for what never comes. */
static inline bool wait_for(struct guest *g, bool (*wants)(struct guest *, const u8 *, size_t),
			    unsigned ms)
{
	g->wants = wants;
	g->got = g->impatient = false;
	loop_timer_set(g->loop, &g->patience, ms * 1000000ULL);
	for (;;) {
		look(g);
		if (g->got || g->impatient || !g->link_up)
			break;
		loop_run(g->loop);
	}
	loop_timer_cancel(&g->patience);
	g->wants = NULL;
	return g->got;
}

static inline struct guest *guest_new(const struct net_config *config)
{
	struct guest *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	g->backend = net_backend_create(config);
	if (!g->backend) {
		free(g);
		return NULL;
	}
	g->loop = loop_create("test");
	assert_non_null(g->loop);
	g->patience.expired = lost_patience;
	g->backend->opaque = g;
	g->backend->incoming = incoming;
	g->backend->writable = writable;
	g->backend->link_changed = link_changed;
	g->link_up = true;
	assert_int_equal(g->backend->ops->start(g->backend, &g->loop), 0);
	watch(g);
	return g;
}

static inline void guest_end(struct guest *g)
{
	g->backend->ops->stop(g->backend);
	g->backend->ops->destroy(g->backend);
	loop_destroy(g->loop);
	free(g);
}

/* The servers of these tests are on the host's 127.0.0.1. */
static const struct net_config user_config = { .mode = NET_MODE_USER, .fd = -1, .loopback = true };

static inline int setup(void **state)
{
	*state = guest_new(&user_config);
	return *state ? 0 : -1;
}

static inline int teardown(void **state)
{
	guest_end(*state);
	return 0;
}

/* ---- IPv4 and UDP ---- */

/* Ethernet and IPv4 headers, and the transport checksum at `sum_at` of the payload. */
static inline void send_ip(struct guest *g, u8 protocol, u32 from, u32 to, u8 *payload, size_t len,
			   size_t sum_at)
{
	u8 frame[ETH + 20 + 1480] = {};
	u8 *ip = frame + ETH;
	u32 acc;

	assert_true(len <= 1480);
	memcpy(frame, "\x52\x55", 2);
	put32(frame + 2, HOST_IP);
	if (to == ~0u)
		memset(frame, 0xff, 6);
	memcpy(frame + 6, guest_mac, 6);
	put16(frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, 20 + len);
	ip[8] = g->hops ?: 64;
	ip[9] = protocol;
	put32(ip + 12, from);
	put32(ip + 16, to);
	put16(ip + 10, fold(sum(0, ip, 20)));
	put16(payload + sum_at, 0);
	acc = sum(sum(protocol + len, ip + 12, 8), payload, len);
	put16(payload + sum_at, fold(acc) ?: 0xffff);
	memcpy(ip + 20, payload, len);
	transmit(g, frame, ETH + 20 + len);
}

static inline void send_udp(struct guest *g, u32 from, u16 from_port, u32 to, u16 to_port,
			    const void *data, size_t len)
{
	u8 payload[1480] = {};

	put16(payload, from_port);
	put16(payload + 2, to_port);
	put16(payload + 4, 8 + len);
	memcpy(payload + 8, data, len);
	send_ip(g, 17, from, to, payload, 8 + len, 6);
}

static inline bool is_udp(const u8 *frame, size_t len, u16 port)
{
	return len >= ETH + 28 && get16(frame + 12) == 0x0800 && frame[ETH + 9] == 17 &&
	       get16(frame + ETH + 22) == port;
}

/* ---- a server's socket on the host ---- */

static inline int host_socket(int type, u16 *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Without libslirp nothing can be made, and there is nothing else to see. Returns how many failed. */
static inline int run_with_slirp(const struct CMUnitTest *tests, size_t nr)
{
	signal(SIGPIPE, SIG_IGN);
	if (!net_user_available()) {
		assert_null(net_backend_create(&user_config));
		return 0;
	}
	assert_int_equal(helpers_begin(), 0);
	return _cmocka_run_group_tests("tests", tests, nr, NULL, NULL);
}
#define RUN_WITH_SLIRP(tests) run_with_slirp(tests, ARRAY_SIZE(tests))

#endif
