/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user-mode back end, driven by a guest that is this file: it makes its frames by hand. Servers are
 * ordinary sockets of the test on the loopback interface, which the guest sees as 10.0.2.2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lkvm/net.h"

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
	bool (*wants)(struct guest *guest, const u8 *frame, size_t len);
	bool got;
	u8 frame[2048]; /* the last one that was wanted */
	size_t len;
	u8 flags; /* of its header */
	/* What came and was not looked at yet. */
	struct {
		u8 data[NET_HDR_LEN + 1514];
		size_t len;
	} fifo[600];
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

static void put16(u8 *p, u16 v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static void put32(u8 *p, u32 v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static u16 get16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static u32 get32(const u8 *p)
{
	return (u32)get16(p) << 16 | get16(p + 2);
}

static u32 sum(u32 acc, const u8 *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		acc += i & 1 ? p[i] : p[i] << 8;
	return acc;
}

static u16 fold(u32 acc)
{
	while (acc >> 16)
		acc = (acc & 0xffff) + (acc >> 16);
	return ~acc;
}

/* ---- the guest's side of the wire ---- */

static void transmit(struct guest *g, const u8 *frame, size_t len)
{
	u8 header[NET_HDR_LEN] = {};
	/* In odd pieces. */
	struct iovec iov[4] = { { header, 7 },
				{ header + 7, NET_HDR_LEN - 7 },
				{ (void *)frame, MIN(len, (size_t)3) },
				{ (void *)(frame + MIN(len, (size_t)3)),
				  len - MIN(len, (size_t)3) } };

	assert_int_equal(g->backend->ops->transmit(g->backend, 0, iov, 4, NET_HDR_LEN + len), 0);
	g->backend->ops->flush(g->backend, 0);
}

static void answer_arp(struct guest *g, const u8 *frame, size_t len)
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

static void incoming(void *opaque, unsigned pair)
{
	struct guest *g = opaque;
	ssize_t len;

	g->wakeups++;
	for (;;) {
		u8 *data = g->fifo[g->end].data;
		struct iovec iov[2] = { { data, 13 }, { data + 13, sizeof(g->fifo[0].data) - 13 } };

		assert_true(g->end < ARRAY_SIZE(g->fifo));
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

/* Looks at frames in their order until one is wanted. */
static void look(struct guest *g)
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

static void never(void *opaque, unsigned pair)
{
	fail();
}

static void lost_patience(struct loop_timer *timer)
{
	struct guest *g = CONTAINER_OF(timer, struct guest, patience);

	g->impatient = true;
	loop_stop(g->loop);
}

/* Runs until a wanted frame came. The time is only for what never comes. */
static bool wait_for(struct guest *g, bool (*wants)(struct guest *, const u8 *, size_t),
		     unsigned ms)
{
	g->wants = wants;
	g->got = g->impatient = false;
	loop_timer_set(g->loop, &g->patience, ms * 1000000ULL);
	for (;;) {
		look(g);
		if (g->got || g->impatient)
			break;
		loop_run(g->loop);
	}
	loop_timer_cancel(&g->patience);
	g->wants = NULL;
	return g->got;
}

static struct guest *guest_new(const struct net_config *config)
{
	struct guest *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	g->backend = net_backend_create(config, 0);
	if (!g->backend) {
		free(g);
		return NULL;
	}
	g->loop = loop_create("test");
	assert_non_null(g->loop);
	g->patience.expired = lost_patience;
	g->backend->opaque = g;
	g->backend->incoming = incoming;
	g->backend->writable = never;
	assert_int_equal(g->backend->ops->start(g->backend, &g->loop), 0);
	g->backend->ops->watch(g->backend, 0, true, false);
	return g;
}

static void guest_end(struct guest *g)
{
	g->backend->ops->stop(g->backend);
	g->backend->ops->destroy(g->backend);
	loop_destroy(g->loop);
	free(g);
}

static const struct net_config user_config = { .mode = NET_MODE_USER, .fd = -1 };

static int setup(void **state)
{
	*state = guest_new(&user_config);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	guest_end(*state);
	return 0;
}

/* ---- IPv4 ---- */

/* Ethernet and IPv4 headers, and the transport checksum at `sum_at` of the payload. */
static void send_ip(struct guest *g, u8 protocol, u32 from, u32 to, u8 *payload, size_t len,
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
	ip[8] = 64;
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

static void send_udp(struct guest *g, u32 from, u16 from_port, u32 to, u16 to_port,
		     const void *data, size_t len)
{
	u8 payload[1480] = {};

	put16(payload, from_port);
	put16(payload + 2, to_port);
	put16(payload + 4, 8 + len);
	memcpy(payload + 8, data, len);
	send_ip(g, 17, from, to, payload, 8 + len, 6);
}

static bool is_udp(const u8 *frame, size_t len, u16 port)
{
	return len >= ETH + 28 && get16(frame + 12) == 0x0800 && frame[ETH + 9] == 17 &&
	       get16(frame + ETH + 22) == port;
}

static bool wants_arp_reply(struct guest *g, const u8 *frame, size_t len)
{
	return len >= 42 && get16(frame + 12) == 0x0806 && get16(frame + 20) == 2;
}

static void arp(void **state)
{
	struct guest *g = *state;
	static const u32 hosts[] = { HOST_IP, DNS_IP };

	for (unsigned i = 0; i < ARRAY_SIZE(hosts); i++) {
		u8 frame[42] = {};

		memset(frame, 0xff, 6);
		memcpy(frame + 6, guest_mac, 6);
		put16(frame + 12, 0x0806);
		memcpy(frame + 14, "\0\1\x08\0\6\4\0\1", 8);
		memcpy(frame + 22, guest_mac, 6);
		put32(frame + 28, GUEST_IP);
		put32(frame + 38, hosts[i]);
		transmit(g, frame, sizeof(frame));
		assert_true(wait_for(g, wants_arp_reply, 2000));
		assert_int_equal(get32(g->frame + 28), hosts[i]);
		assert_memory_equal(g->frame, guest_mac, 6);
	}
}

static bool wants_dhcp(struct guest *g, const u8 *frame, size_t len)
{
	return is_udp(frame, len, 68);
}

static const u8 *dhcp_option(const u8 *frame, size_t len, u8 code)
{
	size_t i = ETH + 28 + 240;

	while (i + 2 < len && frame[i] != 255) {
		if (frame[i] == code)
			return frame + i + 2;
		i += frame[i] ? 2 + frame[i + 1] : 1;
	}
	return NULL;
}

static void dhcp(struct guest *g, u8 type)
{
	u8 discover[300] = { 1, 1, 6, 0, 1, 2, 3, 4 };

	memcpy(discover + 28, guest_mac, 6);
	put32(discover + 236, 0x63825363);
	discover[240] = 53;
	discover[241] = 1;
	discover[242] = type;
	discover[243] = 255;
	send_udp(g, 0, 68, ~0u, 67, discover, sizeof(discover));
	assert_true(wait_for(g, wants_dhcp, 2000));
}

static void dhcp_offer(void **state)
{
	struct guest *g = *state;

	dhcp(g, 1);
	assert_int_equal(*dhcp_option(g->frame, g->len, 53), 2);
	assert_int_equal(get32(g->frame + ETH + 28 + 16), GUEST_IP);
	assert_int_equal(get32(dhcp_option(g->frame, g->len, 1)), 0xffffff00);
	assert_int_equal(get32(dhcp_option(g->frame, g->len, 3)), HOST_IP);
	assert_int_equal(get32(dhcp_option(g->frame, g->len, 6)), DNS_IP);
	assert_int_equal(g->flags, 0);
	/* A driver that can: it need not check our sums. */
	g->backend->ops->set_offload(g->backend, BIT(VIRTIO_NET_F_GUEST_CSUM));
	dhcp(g, 3);
	assert_int_equal(*dhcp_option(g->frame, g->len, 53), 5);
	assert_int_equal(g->flags, VIRTIO_NET_HDR_F_DATA_VALID);
}

static void other_addresses(void **state)
{
	struct net_config config = user_config;
	struct guest *g;

	config.guest_ip = "192.168.33.15";
	config.host_ip = "192.168.33.1";
	g = guest_new(&config);
	assert_non_null(g);
	dhcp(g, 1);
	assert_int_equal(get32(g->frame + ETH + 28 + 16), 0xc0a8210f);
	assert_int_equal(get32(dhcp_option(g->frame, g->len, 3)), 0xc0a82101);
	guest_end(g);
	/* Half of them given, and in the way of the usual ones. */
	config.host_ip = NULL;
	config.guest_ip = "10.7.7.2";
	g = guest_new(&config);
	assert_non_null(g);
	dhcp(g, 1);
	assert_int_equal(get32(g->frame + ETH + 28 + 16), 0x0a070702);
	assert_int_equal(get32(dhcp_option(g->frame, g->len, 3)), 0x0a070701);
	guest_end(g);
	for (unsigned i = 0; i < 5; i++) {
		static const char *const bad[][2] = { { "10.0.2.1", "10.0.3.2" },
						      { "10.0.2.1", "10.0.2.1" },
						      { "10.0.2.0", NULL },
						      { "10.0.2.300", NULL },
						      { NULL, "10.0.2.255" } };

		config.guest_ip = bad[i][0];
		config.host_ip = bad[i][1];
		assert_null(guest_new(&config));
	}
}

/* ---- UDP and TCP to a server on the host ---- */

static int host_socket(int type, u16 *port)
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

static bool wants_udp_4000(struct guest *g, const u8 *frame, size_t len)
{
	return is_udp(frame, len, 4000);
}

static void udp(void **state)
{
	struct guest *g = *state;
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	char buffer[64];
	u16 port;
	int fd = host_socket(SOCK_DGRAM, &port);

	send_udp(g, GUEST_IP, 4000, HOST_IP, port, "to the host", 11);
	assert_int_equal(
		recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &from_len), 11);
	assert_memory_equal(buffer, "to the host", 11);
	for (unsigned i = 0; i < 3; i++) {
		buffer[0] = '0' + i;
		assert_int_equal(sendto(fd, buffer, 5, 0, (struct sockaddr *)&from, from_len), 5);
		assert_true(wait_for(g, wants_udp_4000, 2000));
		assert_int_equal(get32(g->frame + ETH + 12), HOST_IP);
		assert_int_equal(get16(g->frame + ETH + 20), port);
		assert_int_equal(g->frame[ETH + 28], '0' + i);
	}
	close(fd);
}

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

static void send_tcp(struct guest *g, u8 flags, const void *data, size_t len)
{
	u8 payload[1480] = {};

	put16(payload, g->port);
	put16(payload + 2, g->peer_port);
	put32(payload + 4, g->seq);
	put32(payload + 8, g->ack);
	payload[12] = 5 << 4;
	payload[13] = flags;
	put16(payload + 14, 60000);
	if (len)
		memcpy(payload + 20, data, len);
	send_ip(g, 6, GUEST_IP, HOST_IP, payload, 20 + len, 16);
	g->seq += len + !!(flags & (SYN | FIN));
}

/* A TCP receiver without windows or timers: takes what is next, acknowledges everything. */
static bool take_tcp(struct guest *g, const u8 *frame, size_t len, u8 *flags)
{
	const u8 *tcp = frame + ETH + 20;
	size_t data, offset;

	if (len < ETH + 40 || get16(frame + 12) != 0x0800 || frame[ETH + 9] != 6 ||
	    get16(tcp + 2) != g->port)
		return false;
	if (g->peer_port && get16(tcp) != g->peer_port)
		return false;
	*flags = tcp[13];
	g->peer_port = get16(tcp);
	offset = (tcp[12] >> 4) * 4;
	data = get16(frame + ETH + 2) - 20 - offset;
	if (*flags & SYN) {
		g->ack = get32(tcp + 4) + 1;
		return true;
	}
	if (get32(tcp + 4) != g->ack)
		return true;
	assert_true(g->received + data <= sizeof(g->stream));
	memcpy(g->stream + g->received, tcp + offset, data);
	g->received += data;
	g->ack += data;
	if (*flags & FIN) {
		g->ack++;
		g->fin = true;
	}
	if (data || (*flags & FIN))
		send_tcp(g, ACK, NULL, 0);
	return true;
}

static bool wants_syn(struct guest *g, const u8 *frame, size_t len)
{
	u8 flags = 0;

	return take_tcp(g, frame, len, &flags) && (flags & SYN);
}

static bool wants_fin(struct guest *g, const u8 *frame, size_t len)
{
	u8 flags = 0;

	take_tcp(g, frame, len, &flags);
	return g->fin || (flags & RST);
}

static bool wants_data(struct guest *g, const u8 *frame, size_t len)
{
	u8 flags = 0;

	take_tcp(g, frame, len, &flags);
	return g->received > 0;
}

static void connect_tcp(struct guest *g, u16 port)
{
	g->port = 5000;
	g->peer_port = port;
	g->seq = 1000;
	send_tcp(g, SYN, NULL, 0);
	assert_true(wait_for(g, wants_syn, 2000));
	send_tcp(g, ACK, NULL, 0);
}

static void tcp(void **state)
{
	struct guest *g = *state;
	static char text[200 * 1024];
	char buffer[64];
	size_t sent = 0;
	u16 port;
	int listener = host_socket(SOCK_STREAM, &port), fd;

	connect_tcp(g, port);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	send_tcp(g, ACK | PSH, "hello", 5);
	assert_int_equal(recv(fd, buffer, sizeof(buffer), 0), 5);
	assert_memory_equal(buffer, "hello", 5);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i ^ i >> 9;
	/* More than any buffer on the way holds, so that both sides wait for each other. */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (g->received < sizeof(text)) {
		while (sent < sizeof(text)) {
			ssize_t n = send(fd, text + sent, sizeof(text) - sent, MSG_NOSIGNAL);

			if (n < 0)
				break;
			sent += n;
		}
		if (sent == sizeof(text)) {
			shutdown(fd, SHUT_WR);
			assert_true(wait_for(g, wants_fin, 5000));
			break;
		}
		/* Everything it sends until it has nothing: the host side is refilled in between. */
		wait_for(g, wants_fin, 10);
	}
	assert_int_equal(g->received, sizeof(text));
	assert_memory_equal(g->stream, text, sizeof(text));
	send_tcp(g, ACK | FIN, NULL, 0);
	/* Our FIN reaches the server. */
	fcntl(fd, F_SETFL, 0);
	assert_int_equal(recv(fd, buffer, sizeof(buffer), 0), 0);
	close(fd);
	close(listener);
}

static void tcp_refused(void **state)
{
	struct guest *g = *state;
	u16 port;
	int fd = host_socket(SOCK_STREAM, &port);

	close(fd);
	g->port = 5001;
	g->peer_port = port;
	g->seq = 1;
	send_tcp(g, SYN, NULL, 0);
	assert_true(wait_for(g, wants_fin, 2000));
	assert_int_equal(g->frame[ETH + 20 + 13] & RST, RST);
}

/* ---- forwards ---- */

static int connect_host(u16 port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static u16 free_port(int type)
{
	u16 port;

	close(host_socket(type, &port));
	return port;
}

static void forward_tcp(void **state)
{
	struct net_config config = user_config;
	struct guest *g;
	char buffer[16];
	int fd;

	config.nr_forwards = 1;
	config.forwards[0] =
		(struct net_forward){ .host_port = free_port(SOCK_STREAM), .guest_port = 80 };
	g = guest_new(&config);
	assert_non_null(g);
	/* Before the guest is up: the connection waits. */
	g->backend->ops->watch(g->backend, 0, false, false);
	fd = connect_host(config.forwards[0].host_port);
	g->backend->ops->watch(g->backend, 0, true, false);
	g->port = 80;
	assert_true(wait_for(g, wants_syn, 2000));
	g->seq = 77;
	send_tcp(g, SYN | ACK, NULL, 0);
	assert_int_equal(send(fd, "GET /", 5, 0), 5);
	assert_true(wait_for(g, wants_data, 2000));
	assert_memory_equal(g->stream, "GET /", 5);
	send_tcp(g, ACK | PSH, "200 OK", 6);
	assert_int_equal(recv(fd, buffer, sizeof(buffer), 0), 6);
	assert_memory_equal(buffer, "200 OK", 6);
	close(fd);
	assert_true(wait_for(g, wants_fin, 2000));
	guest_end(g);
}

static bool wants_udp_53(struct guest *g, const u8 *frame, size_t len)
{
	return is_udp(frame, len, 53);
}

static void forward_udp(void **state)
{
	struct net_config config = user_config;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct guest *g;
	char buffer[16];
	u16 port;
	int fd = host_socket(SOCK_DGRAM, &port);

	config.nr_forwards = 1;
	config.forwards[0] = (struct net_forward){ .udp = true,
						   .host_port = free_port(SOCK_DGRAM),
						   .guest_address = "10.0.2.15",
						   .guest_port = 53 };
	g = guest_new(&config);
	assert_non_null(g);
	address.sin_port = htons(config.forwards[0].host_port);
	assert_int_equal(sendto(fd, "ask", 3, 0, (struct sockaddr *)&address, sizeof(address)), 3);
	assert_true(wait_for(g, wants_udp_53, 2000));
	assert_memory_equal(g->frame + ETH + 28, "ask", 3);
	send_udp(g, GUEST_IP, 53, get32(g->frame + ETH + 12), get16(g->frame + ETH + 20), "answer",
		 6);
	assert_int_equal(recv(fd, buffer, sizeof(buffer), 0), 6);
	close(fd);
	guest_end(g);
}

static void forward_errors(void **state)
{
	struct net_config config = user_config;
	struct net_forward *forward = config.forwards;
	u16 port;
	int fd = host_socket(SOCK_STREAM, &port);

	config.nr_forwards = 1;
	*forward = (struct net_forward){ .host_port = port, .guest_port = 80 };
	assert_null(guest_new(&config));
	close(fd);
	fd = host_socket(SOCK_DGRAM, &port);
	*forward = (struct net_forward){ .udp = true, .host_port = port, .guest_port = 80 };
	assert_null(guest_new(&config));
	close(fd);
	*forward = (struct net_forward){ .host_address = "localhost",
					 .host_port = 1,
					 .guest_port = 1 };
	assert_null(guest_new(&config));
	*forward = (struct net_forward){
		.host_address = "::1", .guest_address = "10.0.2.15", .host_port = 1, .guest_port = 1
	};
	assert_null(guest_new(&config));
	*forward = (struct net_forward){ .host_address = "192.0.2.1",
					 .host_port = 2000,
					 .guest_port = 1 };
	assert_null(guest_new(&config));
	*forward = (struct net_forward){ .host_port = 0, .guest_port = 1 };
	assert_null(guest_new(&config));
	config.nr_forwards = 0;
	config.queue_pairs = 2;
	assert_null(guest_new(&config));
}

/* ---- a guest that does not behave ---- */

static void garbage(void **state)
{
	struct guest *g = *state;
	static u8 frame[NET_MAX_FRAME];
	u32 x = 12345;

	transmit(g, frame, 1);
	transmit(g, frame, ETH);
	transmit(g, frame, sizeof(frame));
	for (unsigned i = 0; i < 3000; i++) {
		size_t len = 1 + i % 1600;

		for (size_t n = 0; n < MIN(len, (size_t)80); n++) {
			x = x * 1664525 + 1013904223;
			frame[n] = x >> 24;
		}
		memcpy(frame + 6, guest_mac, 6);
		put16(frame + 12, i % 3 == 0 ? 0x0800 : i % 3 == 1 ? 0x86dd : 0x0806);
		frame[ETH] = i % 3 == 0 ? 0x45 : 0x60;
		transmit(g, frame, len);
		g->first = g->end = 0;
	}
	dhcp(g, 1);
}

/* A guest that takes nothing: what comes for it is bounded, and it can come back. */
static u8 *make_fragment(u8 *frame, u16 id, u16 offset_and_flags, unsigned len)
{
	u8 *ip = frame + ETH;

	memset(frame, 0, ETH + 20 + len);
	memset(frame, 0x52, 6);
	memcpy(frame + 6, guest_mac, 6);
	put16(frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, 20 + len);
	put16(ip + 4, id);
	put16(ip + 6, offset_and_flags);
	ip[8] = 64;
	ip[9] = 17;
	put32(ip + 12, GUEST_IP);
	put32(ip + 16, HOST_IP);
	put16(ip + 10, fold(sum(0, ip, 20)));
	return ip + 20;
}

/* Pieces of packets that are never whole: they are kept for half a minute, but not without end. */
static void endless_fragments(void **state)
{
	struct guest *g = *state;
	size_t before = mallinfo2().uordblks;
	u8 frame[ETH + 20 + 1480];

	for (unsigned i = 0; i < 20000; i++) {
		u8 header[NET_HDR_LEN] = {};
		struct iovec iov[2] = { { header, sizeof(header) }, { frame, sizeof(frame) } };

		make_fragment(frame, i, 0x2000, 1480);
		g->backend->ops->transmit(g->backend, 0, iov, 2, NET_HDR_LEN + sizeof(frame));
	}
	assert_in_range(mallinfo2().uordblks - before, 0, 8 << 20);
}

/* What is a right packet in pieces, of the largest size there is, passes all the same. */
static void fragments(void **state)
{
	struct guest *g = *state;
	u8 frame[ETH + 20 + 1480], buffer[4096];
	u16 port;
	int fd = host_socket(SOCK_DGRAM, &port);
	u8 *data = make_fragment(frame, 77, 0x2000, 1480);

	put16(data, 4000);
	put16(data + 2, port);
	put16(data + 4, 8 + 1472 + 1000);
	transmit(g, frame, sizeof(frame));
	make_fragment(frame, 77, 1480 / 8, 1000);
	transmit(g, frame, ETH + 20 + 1000);
	assert_int_equal(recv(fd, buffer, sizeof(buffer), 0), 2472);
	close(fd);
}

static void guest_asleep(void **state)
{
	struct guest *g = *state;
	u8 request[42] = {};

	g->backend->ops->watch(g->backend, 0, false, false);
	memset(request, 0xff, 6);
	memcpy(request + 6, guest_mac, 6);
	put16(request + 12, 0x0806);
	memcpy(request + 14, "\0\1\x08\0\6\4\0\1", 8);
	memcpy(request + 22, guest_mac, 6);
	put32(request + 28, GUEST_IP);
	put32(request + 38, HOST_IP);
	for (unsigned i = 0; i < 5000; i++)
		transmit(g, request, sizeof(request));
	assert_int_equal(g->wakeups, 0);
	g->backend->ops->watch(g->backend, 0, true, false);
	assert_true(wait_for(g, wants_arp_reply, 2000));
	dhcp(g, 1);
}

static u64 cpu_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

/* An idle guest does not wake the host. */
static void idle(void **state)
{
	struct guest *g = *state;
	u64 before = 0;

	dhcp(g, 1);
	wait_for(g, wants_dhcp, 20);
	before = cpu_switches();
	assert_false(wait_for(g, wants_dhcp, 300));
	assert_true(cpu_switches() - before <= 3);
}

/* IPv6: the router announces itself when asked. */
static bool wants_advertisement(struct guest *g, const u8 *frame, size_t len)
{
	return len > ETH + 40 && get16(frame + 12) == 0x86dd && frame[ETH + 6] == 58 &&
	       frame[ETH + 40] == 134;
}

static void ipv6_router(void **state)
{
	struct guest *g = *state;
	u8 frame[ETH + 40 + 8] = { 0x33, 0x33, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd };
	u8 *ip = frame + ETH, *icmp = ip + 40;

	ip[0] = 0x60;
	put16(ip + 4, 8);
	ip[6] = 58;
	ip[7] = 255;
	memcpy(ip + 8, "\xfe\x80\0\0\0\0\0\0\0\0\0\xff\xfe\0\0\1", 16);
	memcpy(ip + 24, "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	icmp[0] = 133;
	put16(icmp + 2, fold(sum(sum(58 + 8, ip + 8, 32), icmp, 8)));
	transmit(g, frame, sizeof(frame));
	assert_true(wait_for(g, wants_advertisement, 2000));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(arp),
		TEST(dhcp_offer),
		cmocka_unit_test(other_addresses),
		TEST(udp),
		TEST(tcp),
		TEST(tcp_refused),
		cmocka_unit_test(forward_tcp),
		cmocka_unit_test(forward_udp),
		cmocka_unit_test(forward_errors),
		TEST(garbage),
		TEST(fragments),
		TEST(endless_fragments),
		TEST(guest_asleep),
		TEST(idle),
		TEST(ipv6_router),
	};

	signal(SIGPIPE, SIG_IGN);
	if (!net_user_available()) {
		assert_null(net_backend_create(&user_config, 0));
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
