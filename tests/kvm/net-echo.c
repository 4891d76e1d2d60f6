// SPDX-License-Identifier: GPL-2.0-or-later
/* 2,000 echo requests to where libslirp cannot send them, of each of which it says a line. net-echo.sh. */
#include "net.h"

#define ICMP6 58
#define NR    2000
#define LEN   8

static u8 frame[NET_ROOM];

void guest_main(addr_t boot)
{
	u8 *ip = frame + ETH, *icmp = ip + 40;

	net_begin();
	net_wait_alive();
	put_ethernet(frame, 0x86dd);
	memset(ip, 0, 40 + LEN);
	ip[0] = 0x60;
	put16(ip + 4, LEN);
	ip[6] = ICMP6;
	ip[7] = 64;
	/* fec0::15, and 2001:db8::1: for examples. */
	put16(ip + 8, 0xfec0);
	put16(ip + 22, 0x15);
	put32(ip + 24, 0x20010db8);
	put16(ip + 38, 1);
	icmp[0] = 128;
	for (u32 i = 0; i < NR; i++) {
		put16(icmp + 2, 0);
		put16(icmp + 6, i);
		put16(icmp + 2, sum_end(sum16(LEN + ICMP6, ip + 8, 32 + LEN)));
		net_send(frame, ETH + 40 + LEN);
	}
	net_sent();
	print("sent\n");
	net_wait_alive();
	print("the network is there\n");
	for (;;)
		wait_interrupt();
}
