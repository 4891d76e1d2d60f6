// SPDX-License-Identifier: GPL-2.0-or-later
/* A datagram from each of 4,096 ports: so many sockets libslirp would have. net-sockets.sh asks lkvm something then. */
#include "net.h"

#define UDP   17
#define PORTS 4096

static u8 frame[NET_ROOM];

void guest_main(addr_t boot)
{
	net_begin();
	net_wait_alive();
	for (u32 port = 0; port < PORTS; port++) {
		u32 len = put_ipv4(frame, UDP, NET_GATEWAY, port, 0, 8 + 4);
		u8 *udp = frame + ETH + 20;

		memset(udp, 0, 12);
		put16(udp, 2000 + port);
		put16(udp + 2, 9);
		put16(udp + 4, 12);
		net_send(frame, len);
	}
	net_sent();
	net_wait_alive();
	print("sent\n");
	for (;;)
		wait_interrupt();
}
