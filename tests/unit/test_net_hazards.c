/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a guest's frames libslirp does not get, or gets changed. */
#include <string.h>
#include "../../net/hazards.h"
#include "../../net/wire.h"
#include "test.h"

#define HOST 0x0a000202
#define DATA 7
#define URG  0x20

static u8 frame[128], *transport;

static u16 sum_of(u32 sum, const u8 *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* A TCP segment or the like with `options` bytes before it; its length. */
static size_t make(bool six, u8 protocol, unsigned options)
{
	u8 *ip = frame + ETH_HEADER;

	memset(frame, 0, sizeof(frame));
	wire_put16(frame + 12, six ? ETH_IP6 : ETH_IP);
	ip[0] = six ? 0x60 : 0x45 + options / 4;
	ip[six ? 6 : 9] = protocol;
	memcpy(ip + (six ? 24 : 16), six ? "\xfe\xc0\0\0\0\0\0\0\0\0\0\0\0\0\0\2" : "\x0a\0\2\2",
	       six ? 16 : 4);
	transport = ip + (six ? IP6_HEADER : IP_HEADER + options);
	return transport + 20 + DATA - frame;
}

static bool mend(size_t len)
{
	struct packet packet;

	return packet_parse(&packet, frame, len) && hazards_mend(HOST, &packet);
}

static u16 tcp_sum(void)
{
	return sum_of(IP_TCP, transport, 20 + DATA);
}

static void urgent(void **state)
{
	for (unsigned i = 0; i < 1000; i++) {
		bool six = i & 1;
		size_t len = make(six, IP_TCP, six ? 0 : i % 11 * 4);
		u8 before[sizeof(frame)];

		for (unsigned k = 0; k < 20 + DATA; k++)
			transport[k] = i * 31 + k * (i >> 3);
		transport[12] = 5 << 4;
		transport[13] = URG | (i & 0x1f);
		wire_put16(transport + 18, i * 65);
		wire_put16(transport + 16, 0);
		wire_put16(transport + 16, tcp_sum());
		memcpy(before, frame, sizeof(frame));
		assert_true(mend(len));
		assert_int_equal(transport[13], i & 0x1f);
		assert_int_equal(wire16(transport + 18), 0);
		/* Right as before, and nothing else is changed. */
		assert_int_equal(tcp_sum(), 0);
		memcpy(frame + (transport - frame) + 13, before + (transport - frame) + 13, 1);
		memcpy(transport + 16, before + (transport - frame) + 16, 4);
		assert_memory_equal(frame, before, sizeof(frame));
	}
}

static void others_pass(void **state)
{
	static const u8 protocols[] = { 1, IP_TCP, IP_UDP, 58 };
	u8 before[sizeof(frame)];

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(protocols); i++) {
		size_t len = make(i & 1, protocols[i / 2], 0);

		transport[13] = protocols[i / 2] == IP_TCP ? 0x1f : 0xff;
		wire_put16(transport + 18, 5);
		memcpy(before, frame, sizeof(frame));
		assert_true(mend(len));
		assert_memory_equal(frame, before, sizeof(frame));
	}
}

static void tftp(void **state)
{
	for (unsigned six = 0; six < 2; six++) {
		size_t len = make(six, IP_UDP, 0);

		wire_put16(transport + 2, 69);
		assert_false(mend(len));
		/* Other servers' is the guest's business. */
		frame[ETH_HEADER + (six ? 39 : 19)] = 99;
		assert_true(mend(len));
	}
}

static void other_protocols(void **state)
{
	static const u16 types[] = { 0x88f8, 0x8100, 0x88a8, 0x8863, 0x0000, 0x05dc, 0xffff };

	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		make(false, IP_TCP, 0);
		wire_put16(frame + 12, types[i]);
		assert_false(mend(sizeof(frame)));
	}
	wire_put16(frame + 12, ETH_ARP);
	assert_true(mend(42));
}

static void cut_short(void **state)
{
	for (unsigned six = 0; six < 2; six++) {
		size_t len = make(six, IP_TCP, 0), header = transport - frame;
		u8 before[sizeof(frame)];

		transport[13] = URG;
		memcpy(before, frame, sizeof(frame));
		for (size_t n = 0; n < len; n++) {
			assert_int_equal(mend(n), n >= header);
			if (n < header + 20)
				assert_memory_equal(frame, before, sizeof(frame));
		}
	}
	for (unsigned words = 0; words < 16; words++) {
		make(false, IP_TCP, 0);
		frame[ETH_HEADER] = 0x40 | words;
		assert_int_equal(mend(ETH_HEADER + 24), words == 5 || words == 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urgent),    cmocka_unit_test(others_pass),
		cmocka_unit_test(tftp),	     cmocka_unit_test(other_protocols),
		cmocka_unit_test(cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
