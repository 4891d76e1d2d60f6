/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user-mode network's helper process as something that dies, hangs, is used up and is printed by: the
 * guest's link follows, and lkvm goes on.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include "said.h"
#include "user_guest.h"

/* ---- the helper's process ---- */

/* Field 4 of its status; 0: not named so. */
static pid_t parent_of(pid_t pid, const char *name)
{
	char path[64], text[256] = "", *behind;
	int fd, parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) > 0 && strstr(text, name)) {
		behind = strrchr(text, ')');
		sscanf(behind ?: "", ") %*c %d", &parent);
	}
	close(fd);
	return parent;
}

/* The one helper there is now. */
static pid_t find_helper(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	assert_non_null(proc);
	while ((entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 0 && parent_of(pid, "(lkvm-net)") == getpid())
			found = pid;
	}
	closedir(proc);
	assert_true(found > 0);
	return found;
}

/* The link has changed since. */
static void wait_link(struct guest *g, bool up, unsigned ms)
{
	g->impatient = false;
	loop_timer_set(g->loop, &g->patience, ms * 1000000ULL);
	while (g->link_up != up && !g->impatient)
		loop_run(g->loop);
	loop_timer_cancel(&g->patience);
	assert_int_equal(g->link_up, up);
	g->first = g->end = 0;
}

static bool wants_arp_reply(struct guest *g, const u8 *frame, size_t len)
{
	return len >= 42 && get16(frame + 12) == 0x0806 && get16(frame + 20) == 2;
}

static void make_arp(u8 *frame)
{
	memset(frame, 0, 42);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, guest_mac, 6);
	put16(frame + 12, 0x0806);
	memcpy(frame + 14, "\0\1\x08\0\6\4\0\1", 8);
	memcpy(frame + 22, guest_mac, 6);
	put32(frame + 28, GUEST_IP);
	put32(frame + 38, HOST_IP);
}

/* It answers, after everything that was sent before. */
static void works(struct guest *g)
{
	u8 frame[42];

	make_arp(frame);
	transmit(g, frame, sizeof(frame));
	assert_true(wait_for(g, wants_arp_reply, 10000));
}

/* lkvm itself was started with signals ignored (see main); it has none of that. */
static void signals(void **state)
{
	char path[64], text[4096], *at;
	unsigned long long ignored, blocked;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", find_helper());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(len > 0);
	text[len] = '\0';
	at = strstr(text, "SigBlk:");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored), 2);
	assert_int_equal(blocked, 0);
	/* 32 and 33 are the C library's own, which lets nobody set them. */
	ignored &= ~(3ULL << (32 - 1));
	assert_int_equal(ignored, 1ULL << (SIGPIPE - 1));
}

/* ---- it ends ---- */

static void ended(void **state)
{
	struct net_config config = user_config;
	u8 arp[42], header[NET_HDR_LEN] = {};
	struct iovec iov[2] = { { header, sizeof(header) }, { arp, sizeof(arp) } };
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct guest *g;
	u16 port;
	int fd = host_socket(SOCK_STREAM, &port);

	close(fd);
	config.nr_forwards = 1;
	config.forwards[0] = (struct net_forward){ .host_port = port, .guest_port = 80 };
	g = guest_new(&config);
	assert_non_null(g);
	works(g);
	said_begin();
	assert_int_equal(kill(find_helper(), SIGKILL), 0);
	wait_link(g, false, 10000);
	said_end();
	SAID("the helper was ended by signal 9 (Killed); the guest's link is down");
	/* The device is told that frames are lost, not to keep them. */
	make_arp(arp);
	assert_int_equal(g->backend->ops->transmit(g->backend, 0, iov, 2, NET_HDR_LEN + 42),
			 -ENETDOWN);
	wait_link(g, true, 20000);
	assert_int_equal(g->link_changes, 2);
	works(g);
	/* It listens for the same forward. */
	address.sin_port = htons(port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	guest_end(g);
}

/* One that neither reads nor dies: what the guest sends waits for a while, then the helper is replaced. */
static void hangs(void **state)
{
	struct guest *g = *state;
	u8 frame[ETH + 20 + 1480] = {};

	works(g);
	memcpy(frame + 6, guest_mac, 6);
	put16(frame + 12, 0x0806);
	said_begin();
	assert_int_equal(kill(find_helper(), SIGSTOP), 0);
	/* More than the socket holds. */
	while (g->link_up) {
		u8 header[NET_HDR_LEN] = {};
		struct iovec iov[2] = { { header, sizeof(header) }, { frame, sizeof(frame) } };
		int err = g->backend->ops->transmit(g->backend, 0, iov, 2,
						    NET_HDR_LEN + sizeof(frame));

		assert_true(!err || err == -EAGAIN);
		g->backend->ops->flush(g->backend, 0);
		if (!err)
			continue;
		g->wants_writable = true;
		watch(g);
		loop_run(g->loop);
	}
	said_end();
	SAID("the helper did not answer; the guest's link is down");
	assert_false(g->wants_writable);
	wait_link(g, true, 20000);
	works(g);
}

/* ---- it is given what it cannot deal with ---- */

static void last_fragment_first(void **state)
{
	static const u8 found[] =
		"\x52\x55\x0a\x00\x02\x02\x02\x00\x00\x00\x00\x01\x08\x00\x45\x00\x00\x32\x00\x01\x00\x3f\x40\x11"
		"\x7a\x7c\x00\x00\x00\x00\xff\xff\xff\xff\x03\xea\x00\x43\x00\x1e\x00\x00\x00\x00\x21\x01\x00\x00"
		"\x00\x00\x00\x00\x42\x16\x00\x00\x00\x68\x3f\x0e\x21\x21\x21\x00";
	struct guest *g = *state;

	for (unsigned i = 0; i < 5; i++)
		transmit(g, found, sizeof(found) - 1);
	works(g);
	assert_int_equal(g->link_changes, 0);
}

/* 4,096 sockets are more than it may have; what lkvm may have is untouched. */
static void many_ports(void **state)
{
	struct guest *g = *state;
	struct rlimit limit, none;
	u16 port;
	int fd = host_socket(SOCK_DGRAM, &port), first = dup(fd);

	assert_true(first >= 0);
	for (unsigned i = 0; i < 4096; i++)
		send_udp(g, GUEST_IP, 10000 + i, HOST_IP, port, "x", 1);
	works(g);
	close(first);
	assert_int_equal(dup(fd), first);
	close(first);
	close(fd);
	assert_int_equal(syscall(SYS_prlimit64, find_helper(), RLIMIT_NOFILE, NULL, &limit), 0);
	assert_true(limit.rlim_max <= 2048);
	assert_int_equal(syscall(SYS_prlimit64, find_helper(), RLIMIT_NPROC, NULL, &none), 0);
	assert_int_equal(none.rlim_max, 0);
	assert_int_equal(g->link_changes, 0);
}

/* In the third field of its status; asked until it is what is wanted. */
static bool gets_to_sleep(pid_t pid)
{
	char path[64], text[256], *behind;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (unsigned i = 0; i < 5000; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t len = read(fd, text, sizeof(text) - 1);

		close(fd);
		assert_true(len > 0);
		text[len] = '\0';
		behind = strrchr(text, ')');
		if (behind && behind[2] == 'S')
			return true;
		usleep(1000);
	}
	return false;
}

/* Who waits at a forwarded port for a descriptor to be free keeps it from sleeping no more than from its work. */
static void full_forward(void **state)
{
	struct net_config config = user_config;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct guest *g;
	u16 port, to;
	int fd = host_socket(SOCK_STREAM, &port), other = host_socket(SOCK_DGRAM, &to);

	close(fd);
	config.nr_forwards = 1;
	config.forwards[0] = (struct net_forward){ .host_port = port, .guest_port = 80 };
	g = guest_new(&config);
	assert_non_null(g);
	for (unsigned i = 0; i < 4096; i++)
		send_udp(g, GUEST_IP, 10000 + i, HOST_IP, to, "x", 1);
	works(g);
	address.sin_port = htons(port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	works(g);
	assert_true(gets_to_sleep(find_helper()));
	works(g);
	close(fd);
	close(other);
	guest_end(g);
}

static bool wants_tcp(struct guest *g, const u8 *frame, size_t len)
{
	return len >= ETH + 40 && get16(frame + 12) == 0x0800 && frame[ETH + 9] == 6 &&
	       get16(frame + ETH + 22) == g->port && (frame[ETH + 33] & 2);
}

/* Segments of one byte behind a hole, the last first: each costs far more than a byte. */
static void holes(struct guest *g, u16 port)
{
	u8 header[21] = {};
	u32 ack;

	put16(header, ++g->port);
	put16(header + 2, port);
	header[12] = 5 << 4;
	header[13] = 2;
	put16(header + 14, 60000);
	send_ip(g, 6, GUEST_IP, HOST_IP, header, 20, 16);
	if (!wait_for(g, wants_tcp, 10000)) {
		/* The last connection's segments were enough. */
		assert_false(g->link_up);
		return;
	}
	ack = get32(g->frame + ETH + 24) + 1;
	put32(header + 8, ack);
	header[13] = 16;
	for (unsigned at = 60000; at > 2 && g->link_up; at -= 2) {
		put32(header + 4, at);
		send_ip(g, 6, GUEST_IP, HOST_IP, header, 21, 16);
		g->first = g->end = 0;
		/* Whether it still lives is heard on the loop. */
		if (at % 512)
			continue;
		loop_stop(g->loop);
		loop_run(g->loop);
	}
}

static void memory(void **state)
{
	struct guest *g = *state;
	u16 port;
	int fd = host_socket(SOCK_STREAM, &port);

	works(g);
	g->port = 5000;
	said_begin();
	for (unsigned i = 0; i < 20 && g->link_up; i++)
		holes(g, port);
	wait_link(g, false, 20000);
	said_end();
	SAID("the helper needed more memory than it may have; the guest's link is down");
	close(fd);
	wait_link(g, true, 20000);
	works(g);
}

/* ---- what it prints ---- */

/* An ICMPv6 echo to somebody else, of which libslirp says in a line that it does not do it. */
static void echo6(struct guest *g)
{
	u8 frame[ETH + 40 + 16] = { 0x33, 0x33, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd };
	u8 *ip = frame + ETH, *icmp = ip + 40;

	ip[0] = 0x60;
	put16(ip + 4, 16);
	ip[6] = 58;
	ip[7] = 255;
	memcpy(ip + 8, "\xfe\xc0\0\0\0\0\0\0\0\0\0\xff\xfe\0\0\1", 16);
	memcpy(ip + 24, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	icmp[0] = 128;
	put16(icmp + 2, fold(sum(sum(58 + 16, ip + 8, 32), icmp, 16)));
	transmit(g, frame, sizeof(frame));
}

/* With G_DEBUG=fatal-warnings in the environment (see main) the first of them would end the helper. */
static void prints(void **state)
{
	struct guest *g = *state;
	unsigned lines = 0;

	works(g);
	said_begin();
	for (unsigned i = 0; i < 2000; i++)
		echo6(g);
	works(g);
	/* Nobody reads stderr any more: the network goes on. */
	said_end();
	for (const char *c = said; (c = strchr(c, '\n')); c++)
		lines++;
	assert_in_range(lines, 1, 8);
	assert_non_null(strstr(said, "User-mode network: libslirp: "));
	assert_non_null(strstr(said, "(no more of these are logged)\n"));
	assert_int_equal(g->link_changes, 0);
}

/* ---- what it may reach ---- */

static void closed_loopback(void **state)
{
	struct net_config config = user_config;
	struct guest *g;
	char buffer[8];
	u16 port;
	int fd = host_socket(SOCK_DGRAM, &port);

	config.loopback = false;
	g = guest_new(&config);
	assert_non_null(g);
	said_begin();
	send_udp(g, GUEST_IP, 4000, HOST_IP, port, "x", 1);
	send_udp(g, GUEST_IP, 4000, HOST_IP, port, "x", 1);
	send_udp(g, GUEST_IP, 4000, INADDR_LOOPBACK, port, "x", 1);
	works(g);
	said_end();
	snprintf(buffer, sizeof(buffer), "%u", port);
	SAID(buffer);
	SAID("closed to it; --network mode=user,loopback=on opens the host's 127.0.0.1");
	assert_int_equal(recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT), -1);
	close(fd);
	guest_end(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(signals),
		cmocka_unit_test(ended),
		TEST(hangs),
		TEST(last_fragment_first),
		TEST(many_ports),
		cmocka_unit_test(full_forward),
		TEST(memory),
		TEST(prints),
		cmocka_unit_test(closed_loopback),
	};

	signal(SIGCHLD, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	setenv("G_DEBUG", "fatal-warnings", 1);
	return RUN_WITH_SLIRP(tests);
}
