/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 datagrams in pieces: in any order, with pieces missing, twice, across each other, and without end. */
#include <stdlib.h>
#include <string.h>
#include "../../net/fragments.h"
#include "../../net/wire.h"
#include "test.h"

#define MORE 0x2000
#define LEN  4000

static u8 frame[65536 + 2048], payload[65536 + 2048];

static size_t piece(u16 id, unsigned offset, unsigned len, bool last)
{
	u8 *ip = frame + ETH_HEADER;

	memset(frame, 0, ETH_HEADER + IP_HEADER);
	wire_put16(frame + 12, ETH_IP);
	ip[0] = 0x45;
	wire_put16(ip + 2, IP_HEADER + len);
	wire_put16(ip + 4, id);
	wire_put16(ip + 6, offset / 8 | (last ? 0 : MORE));
	ip[9] = IP_UDP;
	memcpy(ip + IP_HEADER, payload + offset, len);
	return ETH_HEADER + IP_HEADER + len;
}

static struct fragments fragments;
static u64 now;
static size_t whole_len;

static const u8 *take(u16 id, unsigned offset, unsigned len, bool last)
{
	whole_len = piece(id, offset, len, last);
	assert_true(is_fragment(frame, whole_len));
	return fragments_take(&fragments, frame, &whole_len, now);
}

static void is_whole(const u8 *got, unsigned len)
{
	u32 sum = 0;

	assert_non_null(got);
	assert_int_equal(whole_len, ETH_HEADER + IP_HEADER + len);
	assert_false(is_fragment(got, whole_len));
	assert_int_equal(wire16(got + ETH_HEADER + 2), IP_HEADER + len);
	for (unsigned i = 0; i < IP_HEADER; i += 2)
		sum += wire16(got + ETH_HEADER + i);
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
	assert_memory_equal(got + ETH_HEADER + IP_HEADER, payload, len);
}

static int setup(void **state)
{
	for (unsigned i = 0; i < sizeof(payload); i++)
		payload[i] = i ^ i >> 8;
	fragments = (struct fragments){ 0 };
	now = 1000;
	return 0;
}

static int teardown(void **state)
{
	fragments_free(&fragments);
	return 0;
}

static void in_order(void **state)
{
	assert_null(take(1, 0, 1480, false));
	assert_null(take(1, 1480, 1480, false));
	is_whole(take(1, 2960, LEN - 2960, true), LEN);
	/* The same number again is another datagram. */
	assert_null(take(1, 0, 1480, false));
	is_whole(take(1, 1480, 100, true), 1580);
}

static void out_of_order(void **state)
{
	static const u8 orders[][3] = {
		{ 2, 1, 0 }, { 2, 0, 1 }, { 1, 2, 0 }, { 1, 0, 2 }, { 0, 2, 1 }
	};

	for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
		for (unsigned k = 0; k < 3; k++) {
			bool last = orders[i][k] == 2;
			const u8 *got =
				take(i, orders[i][k] * 1480, last ? LEN - 2960 : 1480, last);

			if (k < 2)
				assert_null(got);
			else
				is_whole(got, LEN);
		}
	}
}

static void two_at_a_time(void **state)
{
	assert_null(take(1, 0, 1480, false));
	assert_null(take(2, 1480, 8, true));
	assert_null(take(2, 1480, 8, true)); /* there already */
	is_whole(take(1, 1480, 20, true), 1500);
	is_whole(take(2, 0, 1480, false), 1488);
}

static void the_largest(void **state)
{
	unsigned at = 0, len = 65535 - 60;

	for (; len - at > 1480; at += 1480)
		assert_null(take(1, at, 1480, false));
	is_whole(take(1, at, len - at, true), len);
	/* Beyond what a length can say. */
	assert_null(take(2, 65528, 1480, true));
	assert_null(take(2, 65528, 1480, false));
}

/* A second look at what was there would be the guest's way to show two things to two readers. */
static void across_each_other(void **state)
{
	assert_null(take(1, 0, 1480, false));
	memset(payload, 'x', 1480);
	assert_null(take(1, 0, 1480, false));
	assert_null(take(1, 8, 8, false));
	assert_null(take(1, 1472, 16, false));
	for (unsigned i = 0; i < 1480; i++)
		payload[i] = i ^ i >> 8;
	is_whole(take(1, 1480, 8, true), 1488);
}

static void no_datagram(void **state)
{
	/* Two ends, pieces behind the end: forgotten as a whole. */
	assert_null(take(1, 800, 8, true));
	assert_null(take(1, 1600, 8, true));
	assert_null(take(1, 0, 800, false));
	assert_null(take(2, 1600, 8, false));
	assert_null(take(2, 8, 8, true));
	assert_null(take(2, 0, 8, false));
	/* As many bytes as the end says, but not these. */
	assert_null(take(3, 24, 8, false));
	assert_null(take(3, 8, 8, true));
	/* Two ends, and as many bytes in all as the second says, but no beginning. */
	assert_null(take(5, 60000, 8, true));
	assert_null(take(5, 8, 8, true));
	assert_null(take(6, 0, 8, false));
	assert_null(take(6, 800, 16, true));
	assert_null(take(6, 16, 8, true));
	/* A piece in the middle that is not a multiple of 8. */
	assert_null(take(4, 0, 12, false));
	assert_null(take(4, 8, 8, true));
}

static void broken_frames(void **state)
{
	static const u8 found[] = /* what splices libslirp's queue into itself */
		"\x52\x55\x0a\x00\x02\x02\x02\x00\x00\x00\x00\x01\x08\x00\x45\x00\x00\x32\x00\x01\x00\x3f\x40\x11"
		"\x7a\x7c\x00\x00\x00\x00\xff\xff\xff\xff\x03\xea\x00\x43\x00\x1e\x00\x00\x00\x00\x21\x01\x00\x00"
		"\x00\x00\x00\x00\x42\x16\x00\x00\x00\x68\x3f\x0e\x21\x21\x21\x00";
	size_t len = sizeof(found) - 1;

	assert_true(is_fragment(found, len));
	assert_null(fragments_take(&fragments, found, &len, now));
	for (unsigned cut = ETH_HEADER + IP_HEADER; cut < 200; cut++) {
		size_t size = piece(9, 0, 200, false);

		size = MIN(size, (size_t)cut);
		assert_null(fragments_take(&fragments, frame, &size, now));
	}
	assert_false(is_fragment(frame, ETH_HEADER + IP_HEADER - 1));
	/* Header lengths that are none, and one longer than the packet. */
	for (unsigned words = 0; words < 16; words++) {
		size_t size = piece(10, 0, 16, false);

		frame[ETH_HEADER] = 0x40 | words;
		assert_null(fragments_take(&fragments, frame, &size, now));
	}
}

static void without_end(void **state)
{
	for (unsigned i = 0; i < 60000; i++, now++)
		assert_null(take(i, 0, 8, false));
	/* The newest are there. */
	is_whole(take(59999, 8, 8, true), 16);
	assert_null(take(3, 8, 8, true));
	/* Until they are too old. */
	assert_null(take(7, 0, 8, false));
	now += 31000000000ULL;
	assert_null(take(7, 8, 8, true));
	is_whole(take(7, 0, 8, false), 16);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(in_order),		 TEST(out_of_order), TEST(two_at_a_time), TEST(the_largest),
		TEST(across_each_other), TEST(no_datagram),  TEST(broken_frames), TEST(without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
