// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TCP segments of one byte each behind a hole, by some connections to the host's own port that net-hole.sh puts into
 * the first sector of the disk: libslirp keeps them all, and more than 1.6 KiB for each.
 */
#include "disk.h"
#include "net.h"

#define TCP	    6
#define SYN	    0x02
#define ACK	    0x10
#define CONNECTIONS 40
#define SEGMENTS    3000

static struct disk disk;
static u8 sector[512], frame[NET_ROOM], answer[NET_ROOM];

static void send_tcp(u32 from, u32 to, u32 seq, u32 ack, u32 flags, u32 len)
{
	u32 total = put_ipv4(frame, TCP, NET_GATEWAY, 0, 0, 20 + len);
	u8 *ip = frame + ETH, *tcp = ip + 20;

	memset(tcp, 0, 20 + len);
	put16(tcp, from);
	put16(tcp + 2, to);
	put32(tcp + 4, seq);
	put32(tcp + 8, ack);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	put16(tcp + 14, 0xffff);
	put16(tcp + 16, sum_end(sum16(TCP + 20 + len, ip + 12, 28 + len)));
	net_send(frame, total);
}

/* What to acknowledge, or 0: the link went down. */
static u32 connect_to(u32 from, u32 to)
{
	u8 *tcp = answer + ETH + 20;

	send_tcp(from, to, 1000, 0, SYN, 0);
	while (net_is_up()) {
		u32 len = net_receive(answer);

		if (len >= ETH + 40 && answer[ETH + 9] == TCP && get16(tcp + 2) == from &&
		    (tcp[13] & (SYN | ACK)) == (SYN | ACK))
			return get32(tcp + 4) + 1;
		if (!len)
			sleep_ms(5);
	}
	return 0;
}

void guest_main(addr_t boot)
{
	u32 port, ack, connected = 0;

	vio_find(&disk.vio, VIO_BLK);
	disk_begin(&disk);
	disk_io(&disk, DISK_READ, 0, sector, sizeof(sector));
	port = get16(sector);
	net_begin();
	net_wait_alive();
	for (u32 from = 1; from <= CONNECTIONS; from++) {
		ack = connect_to(40000 + from, port);
		if (!ack)
			break;
		connected++;
		send_tcp(40000 + from, port, 1001, ack, ACK, 0);
		for (u32 i = 1; i <= SEGMENTS; i++)
			send_tcp(40000 + from, port, 1001 + 2 * i, ack, ACK, 1);
		net_sent();
		/* Answers are for nobody. */
		while (net_receive(answer))
			;
	}
	net_wait_alive();
	if (!connected)
		fail("connections", connected);
	print("the network is there\n");
	for (;;)
		wait_interrupt();
}
