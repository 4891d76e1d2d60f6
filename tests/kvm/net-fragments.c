// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What lkvm puts together itself must be whole: two ends that make up for what is missing are none. And
 * libslirp 4.7.0 links its list of fragments to itself when the last of a datagram comes first, and some of what
 * comes in order is dropped by limits. Nothing of that may reach it: it would not be there afterwards.
 */
#include "net.h"

#define UDP   17
#define MORE  0x2000
#define NR    1500
#define PIECE 16

static u8 frame[NET_ROOM];

/* Of a datagram of two, at the end of which nobody listens. */
static void send_piece(u32 id, u32 part)
{
	u32 len = put_ipv4(frame, UDP, NET_GATEWAY, id, part ? PIECE / 8 : MORE, PIECE);

	memset(frame + ETH + 20, 0, PIECE);
	if (!part) {
		put16(frame + ETH + 20, 1000);
		put16(frame + ETH + 22, 9);
		put16(frame + ETH + 24, 2 * PIECE);
	}
	net_send(frame, len);
}

static void send_last_first(void)
{
	static const u8 found[] = {
		0x52, 0x55, 0x0a, 0x00, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08,
		0x00, 0x45, 0x00, 0x00, 0x32, 0x00, 0x01, 0x00, 0x3f, 0x40, 0x11, 0x7a, 0x7c,
		0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0x03, 0xea, 0x00, 0x43, 0x00,
		0x1e, 0x00, 0x00, 0x00, 0x00, 0x21, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x42, 0x16, 0x00, 0x00, 0x00, 0x68, 0x3f, 0x0e, 0x21, 0x21, 0x21, 0x00,
	};

	net_send(found, sizeof(found));
}

/* Together they have as many bytes as the second says, but no beginning. */
static void send_two_ends(u32 id)
{
	memset(frame, 0, sizeof(frame));
	net_send(frame, put_ipv4(frame, UDP, NET_GATEWAY, id, 60000 / 8, 8));
	net_send(frame, put_ipv4(frame, UDP, NET_GATEWAY, id, 8 / 8, 8));
}

void guest_main(addr_t boot)
{
	net_begin();
	net_wait_alive();
	for (u32 i = 0; i < 5; i++)
		send_last_first();
	send_two_ends(NR + 1);
	for (u32 id = 1; id <= NR; id++) {
		send_piece(id, 0);
		send_piece(id, 1);
	}
	for (u32 id = 1; id <= NR; id++) {
		send_piece(id, 1);
		send_piece(id, 0);
	}
	net_sent();
	net_wait_alive();
	print("the network is there\n");
	power_off();
}
