/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest may reach of the host itself. */
#include <arpa/inet.h>
#include <string.h>
#include "../../net/loopback.h"
#include "../../net/wire.h"
#include "test.h"

#define SYN 2
#define ACK 16

static struct loopback loopback;
static u8 frame[128];
static u16 port;

static int setup(void **state)
{
	loopback = (struct loopback){
		.host = 0x0a000202,
		.dns = 0x0a000203,
		.udp_forwards = { 5353 },
		.nr_udp_forwards = 1,
	};
	return 0;
}

/* A frame from one numeric address to another, of either family. */
static size_t make(u8 protocol, const char *from, u16 from_port, const char *to, u16 to_port,
		   u8 flags)
{
	u8 *ip = frame + ETH_HEADER, *transport = ip + IP_HEADER;
	bool six = strchr(to, ':');

	memset(frame, 0, sizeof(frame));
	wire_put16(frame + 12, six ? ETH_IP6 : ETH_IP);
	if (six) {
		ip[0] = 0x60;
		ip[6] = protocol;
		assert_int_equal(inet_pton(AF_INET6, from, ip + 8), 1);
		assert_int_equal(inet_pton(AF_INET6, to, ip + 24), 1);
		transport = ip + IP6_HEADER;
	} else {
		ip[0] = 0x45;
		ip[9] = protocol;
		assert_int_equal(inet_pton(AF_INET, from, ip + 12), 1);
		assert_int_equal(inet_pton(AF_INET, to, ip + 16), 1);
	}
	wire_put16(transport, from_port);
	wire_put16(transport + 2, to_port);
	transport[13] = flags;
	return transport + 20 - frame;
}

static bool allows(size_t len)
{
	struct packet packet;

	assert_true(packet_parse(&packet, frame, len));
	return loopback_allows(&loopback, &packet, &port);
}

static void note(size_t len)
{
	struct packet packet;

	assert_true(packet_parse(&packet, frame, len));
	loopback_note(&loopback, &packet);
}

static bool sends(u8 protocol, const char *to, u16 to_port, u8 flags)
{
	const char *from = strchr(to, ':') ? "fec0::15" : "10.0.2.15";
	size_t len = make(protocol, from, 4000, to, to_port, flags);

	return allows(len);
}

static void addresses(void **state)
{
	static const struct {
		const char *to;
		bool allowed, told;
	} table[] = {
		{ "10.0.2.2", false, true },
		{ "10.0.2.3", false, false }, /* not its port 53 */
		{ "10.0.2.77", false, false },
		{ "10.0.2.255", false, false },
		{ "255.255.255.255", false, false },
		{ "127.0.0.1", false, false },
		{ "127.1.2.3", false, false },
		{ "0.0.0.0", false, false },
		{ "10.0.3.2", true, false },
		{ "192.0.2.1", true, false },
		{ "128.0.0.1", true, false },
		{ "fec0::2", false, true },
		{ "fec0::3", false, false },
		{ "fec0::77", false, false },
		{ "::1", false, false },
		{ "::", false, false },
		{ "::ffff:127.0.0.1", false, false },
		{ "::ffff:192.0.2.1", false, false },
		{ "::127.0.0.1", false, false },
		{ "2001:db8::1", true, false },
		{ "fec0:0:0:1::2", true, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		for (unsigned udp = 0; udp < 2; udp++) {
			bool allowed = sends(udp ? IP_UDP : IP_TCP, table[i].to, 8000, SYN);

			if (allowed != table[i].allowed || port != (table[i].told ? 8000 : 0))
				fail_msg("%s: allowed %d, port %u", table[i].to, allowed, port);
		}
	}
	loopback.open = true;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		assert_true(sends(IP_TCP, table[i].to, 8000, SYN));
}

static void what_libslirp_serves(void **state)
{
	assert_true(sends(IP_UDP, "10.0.2.3", 53, 0));
	assert_true(sends(IP_TCP, "10.0.2.3", 53, SYN));
	assert_true(sends(IP_UDP, "fec0::3", 53, 0));
	assert_true(sends(IP_UDP, "255.255.255.255", 67, 0));
	assert_true(sends(IP_UDP, "10.0.2.2", 67, 0));
	assert_true(sends(1, "10.0.2.2", 0, 0));
	assert_true(sends(58, "fec0::2", 0, 0));
	assert_false(sends(IP_TCP, "10.0.2.2", 67, SYN));
	assert_false(sends(IP_UDP, "10.0.2.77", 67, 0));
	assert_false(sends(IP_UDP, "10.0.2.2", 53, 0));
}

/* Connections that a forward made go on; what makes one is a SYN alone. */
static void tcp_answers(void **state)
{
	assert_true(sends(IP_TCP, "10.0.2.2", 40000, SYN | ACK));
	assert_true(sends(IP_TCP, "10.0.2.2", 40000, ACK));
	assert_false(sends(IP_TCP, "10.0.2.2", 40000, SYN | 8));
	assert_true(sends(IP_TCP, "fec0::2", 40000, SYN | ACK));
	/* By its own name nothing was ever forwarded. */
	assert_false(sends(IP_TCP, "127.0.0.1", 40000, ACK));
}

static bool answers(const char *host, u16 host_port, const char *guest, u16 guest_port)
{
	size_t len = make(IP_UDP, guest, guest_port, host, host_port, 0);

	return allows(len);
}

static void udp_answers(void **state)
{
	assert_false(answers("10.0.2.2", 40000, "10.0.2.15", 5353));
	note(make(IP_UDP, "10.0.2.2", 40000, "10.0.2.15", 5353, 0));
	assert_true(answers("10.0.2.2", 40000, "10.0.2.15", 5353));
	assert_false(answers("10.0.2.2", 40001, "10.0.2.15", 5353));
	assert_false(answers("10.0.2.2", 40000, "10.0.2.15", 5354));
	assert_false(answers("fec0::2", 40000, "fec0::15", 5353));
	assert_false(answers("127.0.0.1", 40000, "10.0.2.15", 5353));
	/* Only ports that are forwarded, and from that address. */
	note(make(IP_UDP, "10.0.2.2", 40000, "10.0.2.15", 99, 0));
	assert_false(answers("10.0.2.2", 40000, "10.0.2.15", 99));
	note(make(IP_UDP, "192.0.2.1", 41000, "10.0.2.15", 5353, 0));
	assert_false(answers("10.0.2.2", 41000, "10.0.2.15", 5353));
	note(make(IP_UDP, "fec0::2", 42000, "fec0::15", 5353, 0));
	assert_true(answers("fec0::2", 42000, "fec0::15", 5353));
	/* The oldest is forgotten. */
	for (unsigned i = 0; i < LOOPBACK_FLOWS; i++)
		note(make(IP_UDP, "10.0.2.2", i + 1, "10.0.2.15", 5353, 0));
	assert_false(answers("10.0.2.2", 40000, "10.0.2.15", 5353));
	assert_true(answers("10.0.2.2", 1, "10.0.2.15", 5353));
}

/* Whatever is too short to be judged does not pass if it names the host. */
static void cut_short(void **state)
{
	size_t len = make(IP_TCP, "10.0.2.15", 4000, "10.0.2.2", 80, SYN);
	size_t header = ETH_HEADER + IP_HEADER;
	struct packet packet;

	for (size_t n = 0; n < ETH_HEADER + IP_HEADER; n++)
		assert_false(packet_parse(&packet, frame, n));
	for (size_t n = ETH_HEADER + IP_HEADER; n <= ETH_HEADER + IP_HEADER + 13; n++)
		assert_false(allows(n));
	/* Options before the transport's header: it is looked for behind them. */
	memmove(frame + header + 4, frame + header, 20);
	frame[ETH_HEADER] = 0x46;
	assert_false(allows(len + 4));
	assert_int_equal(port, 80);
}

static void what_is_not_ip(void **state)
{
	make(IP_TCP, "10.0.2.15", 4000, "10.0.2.2", 80, SYN);
	wire_put16(frame + 12, ETH_ARP);
	assert_true(allows(42));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, NULL)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(addresses), TEST(what_libslirp_serves), TEST(tcp_answers), TEST(udp_answers),
		TEST(cut_short), TEST(what_is_not_ip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
