/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the filters (hazards.h, loopback.h) look at in a guest's Ethernet frame that is no piece of a datagram. */
#ifndef LKVM_NET_PACKET_H
#define LKVM_NET_PACKET_H

#include <stddef.h>
#include "lkvm/util/types.h"

/* All pointers go into the frame. */
struct packet {
	u8 version;    /* of IP: 4 or 6; 0: ARP, and nothing else is set */
	u8 protocol;   /* IP_TCP, IP_UDP, another */
	u8 *from, *to; /* addresses */
	u8 *transport; /* behind IP's header: */
	size_t len;    /* bytes, may be 0 */
};

/* False: it is neither IP nor ARP, or too short for its header; libslirp would have no use for it. */
bool packet_parse(struct packet *packet, u8 *frame, size_t len);

#endif
