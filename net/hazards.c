// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "hazards.h"
#include "wire.h"

#define PORT_TFTP    69
#define TCP_HEADER   20
#define TCP_FLAGS_AT 12 /* with the header's length */
#define TCP_SUM_AT   16
#define TCP_URGENT   18
#define TCP_URG	     0x20

/* A checksum over what had `old` and now has `new` in it (RFC 1624). */
static u16 sum_changed(u16 sum, u16 old, u16 new)
{
	u32 acc = (u16)~sum + (u16)~old + new;

	acc = (acc & 0xffff) + (acc >> 16);
	return ~(acc + (acc >> 16));
}

static void change(u8 *tcp, unsigned at, u16 value)
{
	u16 sum = sum_changed(wire16(tcp + TCP_SUM_AT), wire16(tcp + at), value);

	wire_put16(tcp + at, value);
	wire_put16(tcp + TCP_SUM_AT, sum);
}

/*
 * Until 4.9.2 libslirp sends as many bytes to the peer as an urgent pointer says, whether it has them or
 * not (CVE-2026-9539). Without the mark they are data like others, which is what most receivers make of it.
 */
static void unmark_urgent(u8 *tcp, size_t len)
{
	if (len < TCP_HEADER || !(tcp[TCP_FLAGS_AT + 1] & TCP_URG))
		return;
	change(tcp, TCP_FLAGS_AT, wire16(tcp + TCP_FLAGS_AT) & ~TCP_URG);
	change(tcp, TCP_URGENT, 0);
}

/* Its TFTP server has no files to serve. */
static bool is_tftp(const u8 *udp, size_t len)
{
	return len >= 4 && wire16(udp + 2) == PORT_TFTP;
}

static bool mend_transport(u8 protocol, bool to_host, u8 *transport, size_t len)
{
	if (protocol == IP_TCP)
		unmark_urgent(transport, len);
	return !(protocol == IP_UDP && to_host && is_tftp(transport, len));
}

static bool mend4(u32 host, u8 *ip, size_t len)
{
	size_t header = len ? (ip[0] & 15) * 4 : 0;

	if (len < IP_HEADER || header < IP_HEADER || header > len)
		return false;
	return mend_transport(ip[9], wire32(ip + 16) == host, ip + header, len - header);
}

static bool mend6(u8 *ip, size_t len)
{
	static const u8 host[16] = { 0xfe, 0xc0, [15] = 2 };

	if (len < IP6_HEADER)
		return false;
	return mend_transport(ip[6], !memcmp(ip + 24, host, sizeof(host)), ip + IP6_HEADER,
			      len - IP6_HEADER);
}

bool hazards_mend(u32 host, u8 *frame, size_t len)
{
	if (len < ETH_HEADER)
		return false;
	switch (wire16(frame + 12)) {
	case ETH_ARP:
		return true;
	case ETH_IP:
		return mend4(host, frame + ETH_HEADER, len - ETH_HEADER);
	case ETH_IP6:
		return mend6(frame + ETH_HEADER, len - ETH_HEADER);
	default:
		/* Among them NC-SI, which talks to a network card's own controller. */
		return false;
	}
}
