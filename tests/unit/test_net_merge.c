// SPDX-License-Identifier: GPL-2.0-or-later
/* TCP segments put together: what comes out is what one longer segment would have been, or nothing is. */
#include <string.h>
#include "../../net/merge.h"
#include "../../net/wire.h"
#include "test.h"

#define DATA 1460
#define ACK  0x10
#define PSH  0x08
#define FIN  0x01

static struct merge merge;
static u8 payload[DATA * 64];
/* The frame that was made last, and its parts. */
static u8 frame[MERGE_MAX * 2], *ip, *tcp;
static u32 length;

static u32 add_up(u32 sum, const u8 *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : p[i] << 8;
	return sum;
}

static u16 fold(u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static bool is_six(const u8 *of)
{
	return wire16(of + 12) == ETH_IP6;
}

/* 0xffff: it is right. */
static u16 tcp_sum(const u8 *of, u32 len)
{
	u32 header = ETH_HEADER + (is_six(of) ? IP6_HEADER : IP_HEADER);
	u32 addresses = is_six(of) ? 32 : 8;

	return fold(
		add_up(IP_TCP + len - header, of + header - addresses, len - header + addresses));
}

static void write_sums(void)
{
	if (!is_six(frame)) {
		wire_put16(ip + 10, 0);
		wire_put16(ip + 10, ~fold(add_up(0, ip, IP_HEADER)));
	}
	wire_put16(tcp + 16, 0);
	wire_put16(tcp + 16, ~tcp_sum(frame, length));
}

/* With `len` bytes of the payload from `from`. */
static void make(bool six, u32 from, u32 len, u8 flags)
{
	ip = frame + ETH_HEADER;
	tcp = ip + (six ? IP6_HEADER : IP_HEADER);
	memset(frame, 0, tcp + 20 - frame);
	memcpy(frame, "\x52\x55\x0a\0\2\2\2\0\0\0\0\1", 12);
	wire_put16(frame + 12, six ? ETH_IP6 : ETH_IP);
	length = tcp + 20 + len - frame;
	ip[0] = six ? 0x60 : 0x45;
	if (six) {
		wire_put16(ip + 4, 20 + len);
		ip[6] = IP_TCP;
		ip[7] = 64;
		memcpy(ip + 8, "\xfe\xc0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0f", 16);
		memcpy(ip + 24, "\xfe\xc0\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	} else {
		wire_put16(ip + 2, length - ETH_HEADER);
		wire_put16(ip + 6, 0x4000);
		ip[8] = 64;
		ip[9] = IP_TCP;
		memcpy(ip + 12, "\x0a\0\2\x0f\x0a\0\2\2", 8);
	}
	wire_put16(tcp, 5000);
	wire_put16(tcp + 2, 80);
	/* The sequence number passes 2^32. */
	wire_put16(tcp + 4, (0xffffff00 + from) >> 16);
	wire_put16(tcp + 6, 0xffffff00 + from);
	wire_put16(tcp + 10, 77);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	wire_put16(tcp + 14, 65535);
	memcpy(tcp + 20, payload + from, len);
	write_sums();
}

static bool add_made(void)
{
	return merge_add(&merge, frame, length);
}

static bool add(bool six, u32 from, u32 len, u8 flags)
{
	make(six, from, len, flags);
	return add_made();
}

/* What was merged is what make() made now. */
static void assert_merged(void)
{
	u32 len;
	const u8 *got = merge_end(&merge, &len);

	assert_non_null(got);
	assert_int_equal(len, length);
	assert_memory_equal(got, frame, len);
	assert_null(merge_end(&merge, &len));
}

static int setup(void **state)
{
	memset(&merge, 0, sizeof(merge));
	for (unsigned i = 0; i < sizeof(payload); i++)
		payload[i] = i * i * 7 + (i >> 8);
	return 0;
}

static void in_order(void **state)
{
	for (unsigned i = 0; i < 200; i++) {
		bool six = i & 1;
		unsigned nr = i % 20 + 1, len = 512 + i * 4;
		/* The last may be of any length, and say that it is. */
		unsigned last = len + i % 2;

		for (unsigned k = 0; k + 1 < nr; k++)
			assert_true(add(six, k * len, len, ACK));
		assert_true(add(six, (nr - 1) * len, last, ACK | PSH));
		make(six, 0, (nr - 1) * len + last, ACK | PSH);
		assert_merged();
	}
}

static void no_longer_than_it_may_be(void **state)
{
	unsigned n = 0;

	while (add(false, n * DATA, DATA, ACK))
		n++;
	assert_int_equal(n, (MERGE_MAX - ETH_HEADER - IP_HEADER - 20) / DATA);
	make(false, 0, n * DATA, ACK);
	assert_merged();
	/* Nor one that comes so long. */
	assert_true(add(false, 0, MERGE_MAX - ETH_HEADER - IP_HEADER - 20, ACK));
	assert_merged();
	assert_false(add(false, 0, MERGE_MAX - ETH_HEADER - IP_HEADER - 20 + 1, ACK));
}

static void nothing_follows_an_odd_byte(void **state)
{
	assert_true(add(false, 0, DATA - 1, ACK));
	assert_false(add(false, DATA - 1, DATA, ACK));
	make(false, 0, DATA - 1, ACK);
	assert_merged();
}

static void damage_is_passed_on(void **state)
{
	u32 len;
	const u8 *got;

	for (unsigned six = 0; six < 2; six++) {
		assert_true(add(six, 0, DATA, ACK));
		make(six, DATA, DATA, ACK);
		tcp[20 + 99] ^= 4;
		assert_true(add_made());
		assert_true(add(six, 2 * DATA, DATA, ACK));
		got = merge_end(&merge, &len);
		assert_non_null(got);
		assert_int_not_equal(tcp_sum(got, len), 0xffff);
	}
	/* A wrong sum of the IP header would be hidden by the new one. */
	make(false, 0, DATA, ACK);
	ip[8]--;
	assert_false(add_made());
}

static void what_nothing_follows(void **state)
{
	/* Flags, little data, pieces, options, and lengths that do not agree. */
	assert_false(add(false, 0, DATA, ACK | FIN));
	assert_false(add(false, 0, DATA, 0));
	assert_false(add(false, 0, DATA, 2));
	assert_false(add(false, 0, DATA, ACK | 0x20));
	assert_false(add(true, 0, DATA, ACK | 0x80));
	assert_false(add(false, 0, 100, ACK));
	assert_false(add(false, 0, 0, ACK));
	make(false, 0, DATA, ACK);
	assert_false(merge_add(&merge, frame, 13));
	wire_put16(ip + 6, 0x2000);
	write_sums();
	assert_false(add_made());
	wire_put16(ip + 6, 3);
	write_sums();
	assert_false(add_made());
	make(false, 0, DATA, ACK);
	ip[9] = IP_UDP;
	write_sums();
	assert_false(add_made());
	make(false, 0, DATA, ACK);
	ip[0] = 0x46;
	write_sums();
	assert_false(add_made());
	for (unsigned six = 0; six < 2; six++) {
		make(six, 0, DATA, ACK);
		tcp[12] = 6 << 4;
		write_sums();
		assert_false(add_made());
		make(six, 0, DATA, ACK);
		length--;
		assert_false(add_made());
		length += 2;
		assert_false(add_made());
		make(six, 0, DATA, ACK);
		wire_put16(tcp + 18, 1);
		write_sums();
		assert_false(add_made());
	}
	make(true, 0, DATA, ACK);
	ip[6] = 0; /* hop-by-hop options */
	write_sums();
	assert_false(add_made());
	assert_null(merge_end(&merge, &(u32){ 0 }));
}

/* Every byte of the headers that makes it another connection, or another state of it. */
static void what_does_not_follow(void **state)
{
	for (unsigned six = 0; six < 2; six++) {
		unsigned header = ETH_HEADER + (six ? IP6_HEADER : IP_HEADER);

		for (unsigned at = 0; at < header + 20; at++) {
			/* The packet's own, but for its life: lengths, number, sums, IPv6's protocol and flow. */
			bool own = at >= 16 && at <= (six ? 20 : 25) && at != 22;

			if (own || at >= header + 16)
				continue;
			assert_true(add(six, 0, DATA, ACK));
			make(six, DATA, DATA, ACK);
			frame[at] ^= 1;
			write_sums();
			assert_false(add_made());
			make(six, 0, DATA, ACK);
			assert_merged();
		}
	}
	/* Behind a hole, and the same again. */
	assert_true(add(false, 0, DATA, ACK));
	assert_false(add(false, DATA + 2, DATA, ACK));
	assert_false(add(false, 0, DATA, ACK));
	assert_false(add(true, DATA, DATA, ACK));
}

#define CASE(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(in_order),
		CASE(no_longer_than_it_may_be),
		CASE(damage_is_passed_on),
		CASE(nothing_follows_an_odd_byte),
		CASE(what_nothing_follows),
		CASE(what_does_not_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
