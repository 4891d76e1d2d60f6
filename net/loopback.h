/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest may reach of the host itself. libslirp makes the host's 127.0.0.1 of every address of the
 * guest's network that it does not need itself, and connects to 127.0.0.1 when a guest names that. Its own
 * switch against it leaves the second open and breaks answers to udp: forwards.
 */
#ifndef LKVM_NET_LOOPBACK_H
#define LKVM_NET_LOOPBACK_H

#include "packet.h"

#define LOOPBACK_FLOWS 64
#define LOOPBACK_PORTS 16

/* One network's; one thread at a time. Zero-initialise, then fill in the first part. */
struct loopback {
	bool open;			  /* everything may pass */
	u32 host, dns;			  /* IPv4; the network is the /24 that both are in */
	u16 udp_forwards[LOOPBACK_PORTS]; /* the guest's ports */
	unsigned nr_udp_forwards;

	/*
	 * Programs on the host that sent the guest a datagram through a udp: forward: the guest may answer them, the oldest is
	 * forgotten.
	 */
	struct loopback_flow {
		u8 version; /* 4 or 6; 0: none */
		u16 host_port, guest_port;
	} flows[LOOPBACK_FLOWS];
	unsigned next_flow;
};

/* A packet for the guest is on its way: if it came through a udp: forward it may be answered. */
void loopback_note(struct loopback *loopback, const struct packet *packet);

/* May this packet of the guest's go on? If not, *port is what it wanted of 10.0.2.2, or 0. */
bool loopback_allows(struct loopback *loopback, const struct packet *packet, u16 *port);

#endif
