/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio network card, and frames made by hand for the user-mode network: the guest is 10.0.2.15, the gateway
 * 10.0.2.2. One card, static since devices see it.
 */
#ifndef GUEST_NET_H
#define GUEST_NET_H

#include "virtio.h"

#define NET_GUEST   0x0a00020f
#define NET_GATEWAY 0x0a000202
#define NET_HDR	    12 /* virtio_net_hdr */
#define NET_ROOM    2048
#define ETH	    14

static struct {
	struct vio vio;
	struct vio_queue rx, tx;
	u16 received; /* of rx's used ring */
	u8 in[VIO_SIZE][NET_ROOM], out[VIO_SIZE][NET_ROOM];
} net;

static inline void net_offer_room(u16 i)
{
	vio_buffer(&net.rx, i, net.in[i], NET_ROOM, VIO_WRITE);
	vio_offer(&net.rx, i);
}

static inline void net_begin(void)
{
	vio_find(&net.vio, VIO_NET);
	vio_begin(&net.vio, 1U << 16); /* its status */
	vio_queue(&net.vio, 0, &net.rx);
	vio_queue(&net.vio, 1, &net.tx);
	vio_ready(&net.vio);
	for (u16 i = 0; i < VIO_SIZE; i++)
		net_offer_room(i);
	vio_kick(&net.vio, 0);
}

static inline int net_is_up(void)
{
	return read16((net.vio.mmio ? net.vio.mmio + 0x100 : net.vio.device) + 6) & 1;
}

static inline u16 net_unsent(void)
{
	return *(volatile u16 *)&net.tx.avail.index - *(volatile u16 *)&net.tx.used.index;
}

static inline void net_send(const u8 *frame, u32 len)
{
	u16 i = net.tx.avail.index % VIO_SIZE;

	while (net_unsent() == VIO_SIZE)
		cpu_relax();
	memset(net.out[i], 0, NET_HDR);
	memcpy(net.out[i] + NET_HDR, frame, len);
	vio_buffer(&net.tx, i, net.out[i], NET_HDR + len, 0);
	vio_offer(&net.tx, i);
	vio_kick(&net.vio, 1);
}

static inline void net_sent(void)
{
	while (net_unsent())
		cpu_relax();
}

/* The next frame there is, copied to NET_ROOM bytes; its length, 0: there is none. */
static inline u32 net_receive(u8 *frame)
{
	u16 slot = net.received % VIO_SIZE;
	u32 id, len;

	if (*(volatile u16 *)&net.rx.used.index == net.received)
		return 0;
	memory_barrier();
	id = net.rx.used.ring[slot].id;
	len = net.rx.used.ring[slot].len - NET_HDR;
	memcpy(frame, net.in[id] + NET_HDR, len);
	net.received++;
	net_offer_room(id);
	vio_kick(&net.vio, 0);
	return len;
}

/* ---- numbers on the wire ---- */

static inline void put16(u8 *p, u32 value)
{
	p[0] = value >> 8;
	p[1] = value;
}

static inline void put32(u8 *p, u32 value)
{
	put16(p, value >> 16);
	put16(p + 2, value);
}

static inline u32 get16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static inline u32 get32(const u8 *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static inline u32 sum16(u32 sum, const u8 *p, u32 len)
{
	for (u32 i = 0; i < len; i++)
		sum += i & 1 ? p[i] : p[i] << 8;
	return sum;
}

static inline u16 sum_end(u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* To the gateway. */
static inline void put_ethernet(u8 *frame, u32 type)
{
	static const u8 both[12] = { 0x52, 0x55, 10, 0, 2, 2, 2, 0, 0, 0, 0, 1 };

	memcpy(frame, both, sizeof(both));
	put16(frame + 12, type);
}

/* `fragment`: flags and offset as they are in the header; `len` bytes follow. The frame's length. */
static inline u32 put_ipv4(u8 *frame, u32 protocol, u32 to, u32 id, u32 fragment, u32 len)
{
	u8 *ip = frame + ETH;

	put_ethernet(frame, 0x0800);
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, 20 + len);
	put16(ip + 4, id);
	put16(ip + 6, fragment);
	ip[8] = 64;
	ip[9] = protocol;
	put32(ip + 12, NET_GUEST);
	put32(ip + 16, to);
	put16(ip + 10, sum_end(sum16(0, ip, 20)));
	return ETH + 20 + len;
}

/* ---- is anybody there? ---- */

static inline void net_ask(void)
{
	u8 frame[42] = { 0 };

	put_ethernet(frame, 0x0806);
	memset(frame, 0xff, 6);
	put32(frame + 14, 0x00010800);
	put32(frame + 18, 0x06040001);
	memcpy(frame + 22, frame + 6, 6);
	put32(frame + 28, NET_GUEST);
	put32(frame + 38, NET_GATEWAY);
	net_send(frame, sizeof(frame));
}

static inline int net_answered(void)
{
	static u8 frame[NET_ROOM];
	u32 len;

	while ((len = net_receive(frame)))
		if (len >= 42 && get16(frame + 12) == 0x0806 && get16(frame + 20) == 2 &&
		    get32(frame + 28) == NET_GATEWAY)
			return 1;
	return 0;
}

/* Until the gateway answers: a network that was just replaced forgets what it was asked. */
static inline void net_wait_alive(void)
{
	for (;;) {
		net_ask();
		for (u32 i = 0; i < 20; i++) {
			if (net_answered())
				return;
			sleep_ms(5);
		}
	}
}

#endif
