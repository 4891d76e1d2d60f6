// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "hazards.h"
#include "wire.h"

#define PORT_TFTP 69
#define FLAG_URG  0x20

/* The checksum with it (RFC 1624). */
static void hazards_change(u8 *tcp, unsigned at, u16 value)
{
	u32 sum = (u16)~wire16(tcp + TCP_SUM) + (u16)~wire16(tcp + at) + value;

	wire_put16(tcp + at, value);
	wire_put16(tcp + TCP_SUM, wire_checksum(sum));
}

/*
 * Until 4.9.2 libslirp sends as many bytes to the peer as an urgent pointer says, whether it has them or
 * not (CVE-2026-9539). Without the mark they are data like others, which is what most receivers make of it.
 */
static void unmark_urgent(u8 *tcp, size_t len)
{
	if (len < TCP_HEADER || !(tcp[TCP_FLAGS] & FLAG_URG))
		return;
	hazards_change(tcp, TCP_LENGTH, wire16(tcp + TCP_LENGTH) & ~FLAG_URG);
	hazards_change(tcp, TCP_URGENT, 0);
}

/* Its TFTP server has no files to serve. */
static bool is_tftp(const u8 *udp, size_t len)
{
	return len >= 4 && wire16(udp + 2) == PORT_TFTP;
}

static bool is_to_host(u32 host, const struct packet *packet)
{
	static const u8 host6[16] = { 0xfe, 0xc0, [15] = 2 };

	if (packet->version == 4)
		return wire32(packet->to) == host;
	return !memcmp(packet->to, host6, sizeof(host6));
}

bool hazards_mend(u32 host, struct packet *packet)
{
	if (packet->protocol == IP_TCP)
		unmark_urgent(packet->transport, packet->len);
	return packet->protocol != IP_UDP || !is_tftp(packet->transport, packet->len) ||
	       !is_to_host(host, packet);
}
