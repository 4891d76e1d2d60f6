// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames of a guest's through lkvm's side of the user-mode network to a helper with the real libslirp, a new
 * one for each input: it goes on and answers, whatever they were. In a network namespace without a way out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "lkvm/util/helper.h"
#include "lkvm/net/backend.h"
#include "../../net/wire.h"

#define HOST_IP	 "\x0a\x00\x02\x02"
#define GUEST_IP "\x0a\x00\x02\x0f"
#define FRAMES	 64
#define SLOW_NS	 9000000000ULL

static struct loop *loop;
static struct net_backend *backend;
static bool answered, blocked, slow;
static u8 frame[NET_HDR_LEN + NET_MAX_FRAME];

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Its own network, where the loopback interface works and nothing else is. */
static void leave_network(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) && unshare(CLONE_NEWNET)) {
		fprintf(stderr, "no network namespace: this would reach real machines\n");
		exit(1);
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo))
		perror("lo");
	close(fd);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	leave_network();
	loop = loop_create("fuzz");
	if (!loop || helpers_begin())
		abort();
	return 0;
}

/* ---- the device ---- */

static void incoming(void *opaque, unsigned pair)
{
	static u8 data[NET_HDR_LEN + 2048];
	struct iovec iov = { data, sizeof(data) };
	ssize_t len;

	while ((len = backend->ops->receive(backend, 0, &iov, 1)) > 0) {
		const u8 *eth = data + NET_HDR_LEN;

		if (len > NET_HDR_LEN + 1514)
			abort();
		answered |= wire16(eth + 12) == 0x0806 && wire16(eth + 20) == 2 &&
			    !memcmp(eth + 28, HOST_IP, 4);
	}
	loop_stop(loop);
}

static void watch(void)
{
	backend->ops->watch(backend, 0, true, blocked);
}

static void writable(void *opaque, unsigned pair)
{
	blocked = false;
	watch();
	loop_stop(loop);
}

/* libslirp died of it, or hung. */
static void link_changed(void *opaque, bool up)
{
	abort();
}

static void too_slow(struct loop_timer *timer)
{
	slow = true;
	loop_stop(loop);
}

static void transmit(size_t len)
{
	struct iovec iov = { frame, NET_HDR_LEN + len };

	while (backend->ops->transmit(backend, 0, &iov, 1, NET_HDR_LEN + len) == -EAGAIN && !slow) {
		blocked = true;
		watch();
		loop_run(loop);
	}
	backend->ops->flush(backend, 0);
}

/* ---- the guest ---- */

static u16 checksum(u32 sum, const u8 *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? data[i] : data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* The transport's own sum, where it has one. */
static void sum_transport(u8 *transport, size_t len, u8 protocol, u32 pseudo)
{
	static const struct {
		u8 protocol, at;
	} places[] = { { 1, 2 }, { IP_TCP, 16 }, { IP_UDP, 6 }, { 58, 2 } };

	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		if (places[i].protocol != protocol || len < places[i].at + 2u)
			continue;
		wire_put16(transport + places[i].at, 0);
		if (protocol == 1)
			pseudo = 0;
		wire_put16(transport + places[i].at, checksum(pseudo, transport, len));
	}
}

static u32 sum_of(const u8 *data, size_t len)
{
	return (u16)~checksum(0, data, len);
}

static void finish4(u8 *ip, size_t len, bool fragment)
{
	size_t header = (ip[0] & 15) * 4;

	ip[0] = 0x40 | (ip[0] & 15);
	wire_put16(ip + 2, len);
	if (!fragment)
		wire_put16(ip + 6, 0);
	memcpy(ip + 12, GUEST_IP, 4);
	if (ip[16] & 1)
		memcpy(ip + 16, HOST_IP, 4);
	if (header < IP_HEADER || header > len)
		return;
	wire_put16(ip + 10, 0);
	wire_put16(ip + 10, checksum(0, ip, header));
	if (!fragment)
		sum_transport(ip + header, len - header, ip[9],
			      sum_of(ip + 12, 8) + ip[9] + (len - header));
}

static void finish6(u8 *ip, size_t len)
{
	ip[0] = 0x60;
	wire_put16(ip + 4, len - IP6_HEADER);
	memcpy(ip + 8, "\xfe\xc0\0\0\0\0\0\0", 8);
	if (ip[24] & 1)
		memcpy(ip + 24, "\xfe\xc0\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	sum_transport(ip + IP6_HEADER, len - IP6_HEADER, ip[6],
		      sum_of(ip + 8, 32) + ip[6] + (len - IP6_HEADER));
}

static void one_frame(struct fuzz *in)
{
	u8 how = fuzz8(in), *eth = frame + NET_HDR_LEN, *ip = eth + ETH_HEADER;
	size_t len = 1 + fuzz8(in) + (how & 0x80 ? fuzz16(in) % 1500 : 0);

	memset(frame, 0, NET_HDR_LEN);
	fuzz_bytes(in, eth, len);
	if (len > ETH_HEADER + 1)
		memcpy(eth + 6, "\2\0\0\0\0\1", 6);
	if ((how & 7) && len > ETH_HEADER + IP_HEADER) {
		wire_put16(eth + 12, ETH_IP);
		finish4(ip, len - ETH_HEADER, (how & 7) > 5);
	}
	if ((how & 7) == 1 && len > ETH_HEADER + IP6_HEADER) {
		wire_put16(eth + 12, ETH_IP6);
		finish6(ip, len - ETH_HEADER);
	}
	transmit(len);
}

static void ask(void)
{
	static const u8 arp[42] =
		"\xff\xff\xff\xff\xff\xff\2\0\0\0\0\1\x08\x06\0\1\x08\0\6\4\0\1\2\0\0\0\0\1" GUEST_IP
		"\0\0\0\0\0\0" HOST_IP;

	memset(frame, 0, NET_HDR_LEN);
	memcpy(frame + NET_HDR_LEN, arp, sizeof(arp));
	answered = false;
	transmit(sizeof(arp));
	while (!answered && !slow)
		loop_run(loop);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const struct net_config config = { .mode = NET_MODE_USER,
						  .fd = -1,
						  .loopback = true };
	struct loop_timer patience = { .expired = too_slow };
	struct fuzz in = { data, size };

	backend = net_user_create(&config);
	if (!backend)
		abort();
	backend->incoming = incoming;
	backend->writable = writable;
	backend->link_changed = link_changed;
	blocked = slow = false;
	if (backend->ops->start(backend, &loop))
		abort();
	watch();
	loop_timer_set(loop, &patience, SLOW_NS);
	for (unsigned i = 0; i < FRAMES && in.left; i++)
		one_frame(&in);
	ask();
	if (slow)
		abort();
	loop_timer_cancel(&patience);
	backend->ops->stop(backend);
	backend->ops->destroy(backend);
	return 0;
}
