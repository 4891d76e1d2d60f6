// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The user-mode network without a guest's CPU: round trips of a small datagram, datagrams to the host as fast
 * as they go and how many of them arrive, and a TCP stream each way. Servers are on the loopback interface. An argument names the one
 * part that is wanted.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "user_guest.h"

#define ROUND_TRIPS 20000
#define DATAGRAMS   200000
#define STREAM	    (512 << 20)
#define BATCH	    64
#define ACK_EVERY   2
#define SEGMENT	    1460

static u64 got;
/* Datagrams that the server has got: shared with it. */
static volatile u64 *arrived;
static u32 to_ack;
/* Of the stream to the host: what was sent, what the host has, and how far it wants more. */
static u32 sent, acked, allowed;
static bool synced, arp_came;
static u16 guest_port = 5000;
/* What is sent to the host as fast as it goes, and how often still. */
static u8 datagram[2048];
static int datagram_len;
static unsigned unposted;
/* What is waited for. */
static bool (*enough)(void);

static void report(const char *what, double value, const char *unit)
{
	printf("%-34s %12.2f %s\n", what, value, unit);
}

static int make_frame(u8 *frame, u8 protocol, u8 *transport, size_t len, size_t sum_at)
{
	u8 *ip = frame + ETH;

	memset(frame, 0, ETH + 20);
	memcpy(frame, "\x52\x55", 2);
	put32(frame + 2, HOST_IP);
	memcpy(frame + 6, guest_mac, 6);
	put16(frame + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, 20 + len);
	ip[8] = 64;
	ip[9] = protocol;
	put32(ip + 12, GUEST_IP);
	put32(ip + 16, HOST_IP);
	put16(ip + 10, fold(sum(0, ip, 20)));
	put16(transport + sum_at, 0);
	/* No sum: UDP allows that, and of TCP's it is needed. */
	if (protocol == 6)
		put16(transport + sum_at,
		      fold(sum(sum(protocol + len, ip + 12, 8), transport, len)));
	memcpy(ip + 20, transport, len);
	return ETH + 20 + len;
}

/* False: writable_again tells when there is space. */
static bool try_post(struct guest *g, const u8 *frame, size_t len)
{
	static u8 header[NET_HDR_LEN];
	struct iovec iov[2] = { { header, sizeof(header) }, { (void *)frame, len } };

	return g->backend->ops->transmit(g->backend, 0, iov, 2, NET_HDR_LEN + len) != -EAGAIN;
}

static void post(struct guest *g, const u8 *frame, size_t len)
{
	while (!try_post(g, frame, len)) {
		g->backend->ops->watch(g->backend, 0, true, true);
		loop_run(g->loop);
	}
}

static void flush(struct guest *g)
{
	g->backend->ops->flush(g->backend, 0);
}

static void ask_arp(struct guest *g)
{
	u8 frame[42] = {};

	memset(frame, 0xff, 6);
	memcpy(frame + 6, guest_mac, 6);
	put16(frame + 12, 0x0806);
	memcpy(frame + 14, "\0\1\x08\0\6\4\0\1", 8);
	memcpy(frame + 22, guest_mac, 6);
	put32(frame + 28, GUEST_IP);
	put32(frame + 38, HOST_IP);
	arp_came = false;
	post(g, frame, sizeof(frame));
	flush(g);
}

/* As a device does: it goes on where it was told that there is no space. */
static void post_datagrams(struct guest *g)
{
	for (; unposted; unposted--) {
		if (!try_post(g, datagram, datagram_len)) {
			g->backend->ops->watch(g->backend, 0, true, true);
			return;
		}
		if (unposted % BATCH == 1)
			flush(g);
	}
	ask_arp(g);
}

static void writable_again(void *opaque, unsigned pair)
{
	struct guest *g = opaque;

	g->backend->ops->watch(g->backend, 0, true, false);
	if (unposted)
		post_datagrams(g);
	else
		loop_stop(g->loop);
}

static void send_ack(struct guest *g, u8 flags, u32 seq)
{
	u8 tcp[20] = {}, frame[64];

	put16(tcp, guest_port);
	put16(tcp + 2, g->peer_port);
	put32(tcp + 4, seq);
	put32(tcp + 8, flags & 16 ? to_ack : 0);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	put16(tcp + 14, 65535);
	post(g, frame, make_frame(frame, 6, tcp, 20, 16));
}

/* Of all kinds of frames that come here. */
static void take(struct guest *g, const u8 *frame, size_t len, unsigned *acks)
{
	const u8 *tcp = frame + ETH + 20;
	size_t data;

	answer_arp(g, frame, len);
	arp_came |= get16(frame + 12) == 0x0806 && get16(frame + 20) == 2;
	if (get16(frame + 12) != 0x0800)
		return;
	if (frame[ETH + 9] == 17)
		got++;
	if (frame[ETH + 9] != 6 || get16(tcp + 2) != guest_port)
		return;
	acked = get32(tcp + 8);
	allowed = acked + get16(tcp + 14);
	data = get16(frame + ETH + 2) - 20 - (tcp[12] >> 4) * 4;
	if (tcp[13] & 2) {
		synced = true;
		to_ack = get32(tcp + 4) + 1;
		send_ack(g, 16, 1001);
	} else if (data && get32(tcp + 4) == to_ack) {
		to_ack += data;
		got += data;
		if (++*acks % ACK_EVERY == 0)
			send_ack(g, 16, 1001);
	} else if (data) {
		send_ack(g, 16, 1001);
	}
}

static void on_incoming(void *opaque, unsigned pair)
{
	static u8 data[NET_HDR_LEN + 2048];
	struct guest *g = opaque;
	struct iovec iov = { data, sizeof(data) };
	unsigned acks = 0, n = 0;
	ssize_t len;

	while (n++ < 256 && (len = g->backend->ops->receive(g->backend, 0, &iov, 1)) > 0)
		take(g, data + NET_HDR_LEN, len - NET_HDR_LEN, &acks);
	if (acks % ACK_EVERY)
		send_ack(g, 16, 1001);
	flush(g);
	if (enough && enough())
		loop_stop(g->loop);
}

static void wait_until(struct guest *g, bool (*condition)(void))
{
	enough = condition;
	while (!enough())
		loop_run(g->loop);
}

static bool have_arp(void)
{
	return arp_came;
}

static bool have_something(void)
{
	return got;
}

static bool have_opened(void)
{
	return synced;
}

static bool have_stream(void)
{
	return got >= STREAM;
}

static bool may_send(void)
{
	return (int32_t)(allowed - sent) >= SEGMENT;
}

static pid_t serve(int fd, int kind)
{
	static char buffer[1 << 16];
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	pid_t pid = fork();
	ssize_t n;

	if (pid)
		return pid;
	if (kind >= 2)
		fd = accept(fd, NULL, NULL);
	for (;;) {
		if (kind == 3) {
			if (recv(fd, buffer, sizeof(buffer), 0) <= 0)
				_exit(0);
			continue;
		}
		if (kind == 2) {
			if (send(fd, buffer, sizeof(buffer), MSG_NOSIGNAL) < 0)
				_exit(0);
			continue;
		}
		n = recvfrom(fd, buffer, sizeof(buffer), 0, (void *)&from, &len);
		++*arrived;
		if (kind == 0 && n > 0)
			sendto(fd, buffer, n, 0, (void *)&from, len);
	}
}

static void round_trips(struct guest *g)
{
	u8 udp[8 + 64] = {}, frame[256];
	u16 port;
	int fd = host_socket(SOCK_DGRAM, &port), len;
	pid_t pid = serve(fd, 0);
	u64 start = clock_now();

	put16(udp, 4000);
	put16(udp + 2, port);
	put16(udp + 4, sizeof(udp));
	len = make_frame(frame, 17, udp, sizeof(udp), 6);
	for (unsigned i = 0; i < ROUND_TRIPS; i++) {
		got = 0;
		post(g, frame, len);
		flush(g);
		wait_until(g, have_something);
	}
	report("round trip", (clock_now() - start) / 1000.0 / ROUND_TRIPS, "us");
	kill(pid, SIGKILL);
	close(fd);
}

static void datagrams(struct guest *g)
{
	u8 udp[8 + 1400] = {};
	u16 port;
	int fd = host_socket(SOCK_DGRAM, &port), waiting;
	pid_t pid = serve(fd, 1);
	u64 before = *arrived, start = clock_now();

	put16(udp, 4001);
	put16(udp + 2, port);
	put16(udp + 4, sizeof(udp));
	datagram_len = make_frame(datagram, 17, udp, sizeof(udp), 6);
	unposted = DATAGRAMS;
	arp_came = false;
	post_datagrams(g);
	wait_until(g, have_arp);
	report("datagrams sent to the host", DATAGRAMS / ((clock_now() - start) / 1e9) / 1000,
	       "1000/s");
	/* Those that came when the receiver had no more space are lost. */
	while (!ioctl(fd, FIONREAD, &waiting) && waiting)
		sched_yield();
	report("datagrams that arrived there",
	       (*arrived - before) / ((clock_now() - start) / 1e9) / 1000, "1000/s");
	kill(pid, SIGKILL);
	close(fd);
}

static void open_stream(struct guest *g)
{
	synced = false;
	got = 0;
	guest_port++;
	send_ack(g, 2, 1000);
	flush(g);
	wait_until(g, have_opened);
}

/* Segments of zeroes, of which only the headers have a sum. */
static void send_segment(struct guest *g)
{
	static u8 frame[ETH + 20 + 20 + SEGMENT];
	u8 *tcp = frame + ETH + 20, header[20] = {};

	put16(header, guest_port);
	put16(header + 2, g->peer_port);
	put32(header + 4, sent);
	put32(header + 8, to_ack);
	header[12] = 5 << 4;
	header[13] = 16;
	put16(header + 14, 65535);
	make_frame(frame, 6, header, 20, 16);
	put16(frame + ETH + 2, 20 + 20 + SEGMENT);
	put16(frame + ETH + 10, 0);
	put16(frame + ETH + 10, fold(sum(0, frame + ETH, 20)));
	put16(tcp + 16, 0);
	put16(tcp + 16, fold(sum(sum(6 + 20 + SEGMENT, frame + ETH + 12, 8), tcp, 20)));
	post(g, frame, sizeof(frame));
	sent += SEGMENT;
}

static void stream_to(struct guest *g)
{
	int fd = host_socket(SOCK_STREAM, &g->peer_port);
	pid_t pid = serve(fd, 3);
	u64 start;

	open_stream(g);
	sent = 1001;
	start = clock_now();
	while (acked - 1001 < STREAM) {
		while (may_send())
			send_segment(g);
		flush(g);
		wait_until(g, may_send);
	}
	report("TCP to the host", STREAM / ((clock_now() - start) / 1e9) / (1 << 20), "MiB/s");
	kill(pid, SIGKILL);
	close(fd);
}

static void stream_from(struct guest *g)
{
	int fd = host_socket(SOCK_STREAM, &g->peer_port);
	pid_t pid = serve(fd, 2);
	u64 start;

	open_stream(g);
	start = clock_now();
	wait_until(g, have_stream);
	report("TCP from the host", got / ((clock_now() - start) / 1e9) / (1 << 20), "MiB/s");
	kill(pid, SIGKILL);
	close(fd);
}

static const struct {
	const char *name;
	void (*run)(struct guest *g);
} parts[] = {
	{ "round-trips", round_trips },
	{ "datagrams", datagrams },
	{ "from-host", stream_from },
	{ "to-host", stream_to },
};

int main(int argc, char **argv)
{
	struct guest *g;

#if __has_include("lkvm/util/helper.h")
	if (helpers_begin())
		return 1;
#endif
	signal(SIGCHLD, SIG_IGN);
	arrived = mmap(NULL, sizeof(*arrived), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (arrived == MAP_FAILED)
		return 1;
	g = guest_new(&user_config);
	if (!g)
		return 1;
	g->backend->incoming = on_incoming;
	g->backend->writable = writable_again;
	ask_arp(g);
	wait_until(g, have_arp);
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		if (argc < 2 || !strcmp(argv[1], parts[i].name))
			parts[i].run(g);
	guest_end(g);
	return 0;
}
