/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user-mode back end between a guest's connections and the host's sockets: UDP, TCP, forwards. */
#include <fcntl.h>
#include "user_guest.h"

/* ---- UDP and TCP to a server on the host ---- */

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

/* Of the next datagram; all are one byte long. */
static int received_hops(int fd)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int hops;

	assert_int_equal(recvmsg(fd, &msg, 0), 1);
	assert_non_null(CMSG_FIRSTHDR(&msg));
	assert_int_equal(CMSG_FIRSTHDR(&msg)->cmsg_type, IP_TTL);
	memcpy(&hops, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(hops));
	return hops;
}

/* libslirp is one hop, and a datagram's limit is its own. */
static void udp_hops(void **state)
{
	static const u8 hops[] = { 64, 64, 10, 10, 255, 64, 2, 64 };
	struct guest *g = *state;
	u16 port;
	int fd = host_socket(SOCK_DGRAM, &port), on = 1;

	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(hops); i++) {
		g->hops = hops[i];
		send_udp(g, GUEST_IP, 4000, HOST_IP, port, "h", 1);
		assert_int_equal(received_hops(fd), hops[i] - 1);
	}
	close(fd);
}

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32 };

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
	put16(payload + 18, flags & URG ? 2000 : 0);
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

static bool wants_ack(struct guest *g, const u8 *frame, size_t len)
{
	u8 flags = 0;

	return take_tcp(g, frame, len, &flags) && get32(frame + ETH + 20 + 8) > 1001;
}

/* Segments that come in one row are acknowledged, and so were passed on, as one. */
static void tcp_merged(void **state)
{
	struct guest *g = *state;
	static u8 text[10 * 1460], got[sizeof(text)];
	u16 port;
	int listener = host_socket(SOCK_STREAM, &port), fd;

	connect_tcp(g, port);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i ^ i >> 9;
	for (size_t i = 0; i < sizeof(text); i += 1460) {
		g->more = i + 1460 < sizeof(text);
		send_tcp(g, ACK, text + i, 1460);
	}
	assert_true(wait_for(g, wants_ack, 5000));
	assert_int_equal(get32(g->frame + ETH + 20 + 8), 1001 + sizeof(text));
	assert_int_equal(recv(fd, got, sizeof(got), MSG_WAITALL), sizeof(got));
	assert_memory_equal(got, text, sizeof(text));
	close(fd);
	close(listener);
}

/* More bytes are urgent than there are: the peer gets those there are, and none of the helper's memory. */
static void tcp_urgent(void **state)
{
	struct guest *g = *state;
	char buffer[4096];
	u16 port;
	int listener = host_socket(SOCK_STREAM, &port), fd;
	ssize_t len, got = 0;

	connect_tcp(g, port);
	fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &(int){ 1 }, sizeof(int)), 0);
	send_tcp(g, ACK | PSH | URG, "urgent", 6);
	send_tcp(g, ACK | FIN, NULL, 0);
	while ((len = recv(fd, buffer + got, sizeof(buffer) - got, 0)) > 0)
		got += len;
	assert_int_equal(got, 6);
	assert_memory_equal(buffer, "urgent", 6);
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

static void do_forward_tcp(bool loopback)
{
	struct net_config config = user_config;
	struct guest *g;
	char buffer[16];
	int fd;

	config.loopback = loopback;
	config.nr_forwards = 1;
	config.forwards[0] =
		(struct net_forward){ .host_port = free_port(SOCK_STREAM), .guest_port = 80 };
	g = guest_new(&config);
	assert_non_null(g);
	/* Before the guest is up: the connection waits. */
	g->asleep = true;
	watch(g);
	fd = connect_host(config.forwards[0].host_port);
	g->asleep = false;
	watch(g);
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

static void forward_tcp(void **state)
{
	do_forward_tcp(true);
	do_forward_tcp(false);
}

static bool wants_udp_53(struct guest *g, const u8 *frame, size_t len)
{
	return is_udp(frame, len, 53);
}

static void do_forward_udp(bool loopback)
{
	struct net_config config = user_config;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct guest *g;
	char buffer[16];
	u16 port;
	int fd = host_socket(SOCK_DGRAM, &port);

	config.loopback = loopback;
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

static void forward_udp(void **state)
{
	do_forward_udp(true);
	do_forward_udp(false);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(udp),
		TEST(udp_hops),
		TEST(tcp),
		TEST(tcp_merged),
		TEST(tcp_urgent),
		TEST(tcp_refused),
		cmocka_unit_test(forward_tcp),
		cmocka_unit_test(forward_udp),
		cmocka_unit_test(forward_errors),
	};

	return RUN_WITH_SLIRP(tests);
}
