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

#endif
