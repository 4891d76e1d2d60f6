// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "loopback.h"
#include "wire.h"

#define BROADCAST 0xffffffffu

#define PORT_DNS    53
#define PORT_DHCP   67
#define PORT_DHCP6  547
#define TCP_FLAGS   0x37 /* URG, ACK, RST, SYN, FIN */
#define TCP_SYN	    0x02
#define TCP_FLAG_AT 13

/* libslirp's own three addresses, as net/user-config.c sets them. */
static const u8 prefix6[8] = { 0xfe, 0xc0 };
#define HOST6 2
#define DNS6  3

enum where {
	OUTSIDE,
	INSIDE,	 /* the host's 127.0.0.1, if libslirp got it, but for what it serves itself */
	GATEWAY, /* the same by the name that people use */
	RESOLVER,
	LOOPBACK, /* the host's own loopback network by its own name */
};

/* The transport's part of a packet that is not in pieces. */
struct packet {
	u8 version, protocol;
	enum where from, to;
	bool broadcast;
	const u8 *transport;
	size_t len;
};

static enum where where4(const struct loopback *loopback, u32 address)
{
	if (address >> 24 == 127 || address >> 24 == 0)
		return LOOPBACK;
	if (address == loopback->host)
		return GATEWAY;
	if (address == loopback->dns)
		return RESOLVER;
	return address >> 8 == loopback->network >> 8 || address == BROADCAST ? INSIDE : OUTSIDE;
}

/* ::1, ::, and IPv4 addresses in disguise, which the host's sockets take for these. */
static bool is_loopback6(const u8 *address)
{
	static const u8 zero[10];

	return !memcmp(address, zero, sizeof(zero));
}

static enum where where6(const u8 *address)
{
	static const u8 zero[7];
	u8 last = address[15];

	if (is_loopback6(address))
		return LOOPBACK;
	if (memcmp(address, prefix6, sizeof(prefix6)))
		return OUTSIDE;
	if (memcmp(address + 8, zero, sizeof(zero)))
		return INSIDE;
	return last == HOST6 ? GATEWAY : last == DNS6 ? RESOLVER : INSIDE;
}

static bool parse4(const struct loopback *loopback, const u8 *frame, size_t len,
		   struct packet *packet)
{
	const u8 *ip = frame + ETH_HEADER;
	size_t header;

	if (len < ETH_HEADER + IP_HEADER)
		return false;
	header = (ip[0] & 15) * 4;
	if (header < IP_HEADER || len < ETH_HEADER + header)
		return false;
	packet->version = 4;
	packet->protocol = ip[9];
	packet->from = where4(loopback, wire32(ip + 12));
	packet->to = where4(loopback, wire32(ip + 16));
	packet->broadcast = wire32(ip + 16) == BROADCAST;
	packet->transport = ip + header;
	packet->len = len - ETH_HEADER - header;
	return true;
}

static bool parse6(const u8 *frame, size_t len, struct packet *packet)
{
	const u8 *ip = frame + ETH_HEADER;

	if (len < ETH_HEADER + IP6_HEADER)
		return false;
	packet->version = 6;
	packet->protocol = ip[6];
	packet->from = where6(ip + 8);
	packet->to = where6(ip + 24);
	packet->broadcast = false;
	packet->transport = ip + IP6_HEADER;
	packet->len = len - ETH_HEADER - IP6_HEADER;
	return true;
}

/* False: not IP, or nothing that libslirp would understand. */
static bool parse(const struct loopback *loopback, const u8 *frame, size_t len,
		  struct packet *packet)
{
	if (len < ETH_HEADER)
		return false;
	switch (wire16(frame + 12)) {
	case ETH_IP:
		return parse4(loopback, frame, len, packet);
	case ETH_IP6:
		return parse6(frame, len, packet);
	default:
		return false;
	}
}

static struct loopback_flow *find_flow(struct loopback *loopback, u8 version, u16 host_port,
				       u16 guest_port)
{
	for (unsigned i = 0; i < LOOPBACK_FLOWS; i++) {
		struct loopback_flow *flow = &loopback->flows[i];

		if (flow->version == version && flow->host_port == host_port &&
		    flow->guest_port == guest_port)
			return flow;
	}
	return NULL;
}

void loopback_note(struct loopback *loopback, const u8 *frame, size_t len)
{
	struct packet packet;
	u16 host_port, guest_port;
	bool forwarded = false;

	if (loopback->open || !loopback->nr_udp_forwards || !parse(loopback, frame, len, &packet) ||
	    packet.protocol != IP_UDP || packet.from != GATEWAY || packet.len < 4)
		return;
	host_port = wire16(packet.transport);
	guest_port = wire16(packet.transport + 2);
	for (unsigned i = 0; i < loopback->nr_udp_forwards; i++)
		forwarded |= loopback->udp_forwards[i] == guest_port;
	if (!forwarded || find_flow(loopback, packet.version, host_port, guest_port))
		return;
	loopback->flows[loopback->next_flow++ % LOOPBACK_FLOWS] =
		(struct loopback_flow){ packet.version, host_port, guest_port };
}

/* What libslirp answers itself. */
static bool is_served(const struct packet *packet, u16 port)
{
	if (packet->to == RESOLVER)
		return port == PORT_DNS;
	if (packet->protocol != IP_UDP)
		return false;
	if (packet->version == 6)
		return packet->to == GATEWAY && port == PORT_DHCP6;
	return (packet->to == GATEWAY || packet->broadcast) && port == PORT_DHCP;
}

bool loopback_allows(struct loopback *loopback, const u8 *frame, size_t len, u16 *port)
{
	struct packet packet;
	u16 from, to;

	*port = 0;
	if (loopback->open || !parse(loopback, frame, len, &packet))
		return true;
	if (packet.to == OUTSIDE || packet.to == LOOPBACK)
		return packet.to == OUTSIDE;
	if (packet.protocol != IP_TCP && packet.protocol != IP_UDP)
		return true;
	if (packet.len <= (packet.protocol == IP_TCP ? TCP_FLAG_AT : 4))
		return false;
	from = wire16(packet.transport);
	to = wire16(packet.transport + 2);
	if (is_served(&packet, to))
		return true;
	/* Only a first segment makes a connection; the others belong to one that a forward made. */
	if (packet.protocol == IP_TCP && (packet.transport[TCP_FLAG_AT] & TCP_FLAGS) != TCP_SYN)
		return true;
	if (packet.protocol == IP_UDP && packet.to == GATEWAY &&
	    find_flow(loopback, packet.version, to, from))
		return true;
	if (packet.to == GATEWAY)
		*port = to;
	return false;
}
