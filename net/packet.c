// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet.h"
#include "wire.h"

static bool packet_parse4(struct packet *packet, u8 *ip, size_t len)
{
	size_t header = len ? (ip[0] & 15) * 4 : 0;

	if (len < IP_HEADER || header < IP_HEADER || len < header)
		return false;
	*packet = (struct packet){ 4, ip[9], ip + 12, ip + 16, ip + header, len - header };
	return true;
}

static bool packet_parse6(struct packet *packet, u8 *ip, size_t len)
{
	if (len < IP6_HEADER)
		return false;
	*packet = (struct packet){ 6, ip[6], ip + 8, ip + 24, ip + IP6_HEADER, len - IP6_HEADER };
	return true;
}

bool packet_parse(struct packet *packet, u8 *frame, size_t len)
{
	if (len < ETH_HEADER)
		return false;
	switch (wire16(frame + 12)) {
	case ETH_ARP:
		*packet = (struct packet){ 0 };
		return true;
	case ETH_IP:
		return packet_parse4(packet, frame + ETH_HEADER, len - ETH_HEADER);
	case ETH_IP6:
		return packet_parse6(packet, frame + ETH_HEADER, len - ETH_HEADER);
	default:
		/* Among them NC-SI, which talks to a network card's own controller. */
		return false;
	}
}
