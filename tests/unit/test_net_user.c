/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user-mode back end's own network: addresses, guests that do not behave, guests that sleep. */
#include <linux/virtio_net.h>
#include <malloc.h>
#include <sys/resource.h>
#include "user_guest.h"

/* ---- IPv4 ---- */

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

	g->asleep = true;
	watch(g);
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
	g->asleep = false;
	watch(g);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(arp),	    TEST(dhcp_offer), cmocka_unit_test(other_addresses),
		TEST(garbage),	    TEST(fragments),  TEST(endless_fragments),
		TEST(guest_asleep), TEST(idle),	      TEST(ipv6_router),
	};

	return RUN_WITH_SLIRP(tests);
}
