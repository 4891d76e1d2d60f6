// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "loopback.h"
#include "wire.h"

#define BROADCAST 0xffffffffu

#define PORT_DNS   53
#define PORT_DHCP  67
#define PORT_DHCP6 547
#define FLAGS	   0x37 /* URG, ACK, RST, SYN, FIN */
#define FLAG_SYN   0x02

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

static enum where loopback_where4(const struct loopback *loopback, u32 address)
{
	if (address >> 24 == 127 || address >> 24 == 0)
		return LOOPBACK;
	if (address == loopback->host)
		return GATEWAY;
	if (address == loopback->dns)
		return RESOLVER;
	return address >> 8 == loopback->host >> 8 || address == BROADCAST ? INSIDE : OUTSIDE;
}

/* ::1, ::, and IPv4 addresses in disguise, which the host's sockets take for these. */
static bool is_loopback6(const u8 *address)
{
	static const u8 zero[10];

	return !memcmp(address, zero, sizeof(zero));
}

static enum where loopback_where6(const u8 *address)
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

static enum where where_is(const struct loopback *loopback, u8 version, const u8 *address)
{
	return version == 4 ? loopback_where4(loopback, wire32(address)) : loopback_where6(address);
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

void loopback_note(struct loopback *loopback, const struct packet *packet)
{
	u16 host_port, guest_port;
	bool forwarded = false;

	if (loopback->open || packet->protocol != IP_UDP || packet->len < 4 ||
	    where_is(loopback, packet->version, packet->from) != GATEWAY)
		return;
	host_port = wire16(packet->transport);
	guest_port = wire16(packet->transport + 2);
	for (unsigned i = 0; i < loopback->nr_udp_forwards; i++)
		forwarded |= loopback->udp_forwards[i] == guest_port;
	if (!forwarded || find_flow(loopback, packet->version, host_port, guest_port))
		return;
	loopback->flows[loopback->next_flow++ % LOOPBACK_FLOWS] =
		(struct loopback_flow){ packet->version, host_port, guest_port };
}

/* What libslirp answers itself. */
static bool is_served(const struct packet *packet, enum where to, u16 port)
{
	bool broadcast;

	if (to == RESOLVER)
		return port == PORT_DNS;
	if (packet->protocol != IP_UDP)
		return false;
	if (packet->version == 6)
		return to == GATEWAY && port == PORT_DHCP6;
	broadcast = wire32(packet->to) == BROADCAST;
	return (to == GATEWAY || broadcast) && port == PORT_DHCP;
}

bool loopback_allows(struct loopback *loopback, const struct packet *packet, u16 *port)
{
	bool tcp = packet->protocol == IP_TCP, udp = packet->protocol == IP_UDP;
	u16 from_port, to_port;
	enum where to;

	*port = 0;
	if (loopback->open || !packet->version)
		return true;
	to = where_is(loopback, packet->version, packet->to);
	if (to == OUTSIDE || to == LOOPBACK)
		return to == OUTSIDE;
	if (!tcp && !udp)
		return true;
	if (packet->len <= (tcp ? TCP_FLAGS : 4))
		return false;
	from_port = wire16(packet->transport);
	to_port = wire16(packet->transport + 2);
	if (is_served(packet, to, to_port))
		return true;
	/* Only a first segment makes a connection; the others belong to one that a forward made. */
	if (tcp && (packet->transport[TCP_FLAGS] & FLAGS) != FLAG_SYN)
		return true;
	if (udp && to == GATEWAY && find_flow(loopback, packet->version, to_port, from_port))
		return true;
	if (to == GATEWAY)
		*port = to_port;
	return false;
}
