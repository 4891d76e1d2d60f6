/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and places in Ethernet frames. */
#ifndef LKVM_NET_WIRE_H
#define LKVM_NET_WIRE_H

#include "lkvm/util/types.h"

#define ETH_HEADER 14
#define IP_HEADER  20 /* without options */
#define IP6_HEADER 40
#define ETH_IP	   0x0800
#define ETH_ARP	   0x0806
#define ETH_IP6	   0x86dd
#define IP_TCP	   6
#define IP_UDP	   17

/* Where things are in a TCP header. */
#define TCP_HEADER 20 /* its length, without options */
#define TCP_SEQ	   4
#define TCP_ACK	   8
#define TCP_LENGTH 12
#define TCP_FLAGS  13
#define TCP_SUM	   16
#define TCP_URGENT 18

static inline u16 wire16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static inline u32 wire32(const u8 *p)
{
	return (u32)wire16(p) << 16 | wire16(p + 2);
}

static inline void wire_put16(u8 *p, u16 value)
{
	p[0] = value >> 8;
	p[1] = value;
}

/* The sum that a checksum is of; `len` is even. wire_checksum() of it goes into the packet. */
static inline u32 wire_sum(u32 sum, const u8 *p, unsigned len)
{
	for (unsigned i = 0; i < len; i += 2)
		sum += wire16(p + i);
	return sum;
}

static inline u16 wire_checksum(u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

#endif
