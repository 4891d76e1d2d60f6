// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "merge.h"
#include "wire.h"

/* Less than this is no stream: nothing is gained, and it does not wait to be copied. */
#define DATA_MIN  512
#define FLAG_PSH  0x08
#define FLAG_ACK  0x10
#define DONT_FRAG 0x4000

struct segment {
	u32 header; /* Ethernet's and IP's */
	u32 data;
	u32 sum; /* of the data */
};

static bool is_ip4(const u8 *frame, u32 len)
{
	const u8 *ip = frame + ETH_HEADER;

	return wire16(frame + 12) == ETH_IP && ip[0] == 0x45 && ip[9] == IP_TCP &&
	       wire16(ip + 2) == len - ETH_HEADER && !(wire16(ip + 6) & ~DONT_FRAG) &&
	       !wire_checksum(wire_sum(0, ip, IP_HEADER));
}

static bool is_ip6(const u8 *frame, u32 len)
{
	const u8 *ip = frame + ETH_HEADER;

	return wire16(frame + 12) == ETH_IP6 && ip[0] >> 4 == 6 && ip[6] == IP_TCP &&
	       wire16(ip + 4) == len - ETH_HEADER - IP6_HEADER;
}

/* What a checksum covers beside the data: addresses, protocol, length, and TCP's header with its sum. */
static u32 header_sum(const u8 *frame, u32 header, u32 len)
{
	unsigned addresses = header == ETH_HEADER + IP_HEADER ? 8 : 32;
	u32 sum = IP_TCP + len - header;

	return wire_sum(sum, frame + header - addresses, addresses + TCP_HEADER);
}

/* False: not one that others could follow. */
static bool merge_parse(const u8 *frame, u32 len, struct segment *segment)
{
	const u8 *tcp;

	if (len < ETH_HEADER + IP6_HEADER + TCP_HEADER || len > MERGE_MAX)
		return false;
	if (is_ip4(frame, len))
		segment->header = ETH_HEADER + IP_HEADER;
	else if (is_ip6(frame, len))
		segment->header = ETH_HEADER + IP6_HEADER;
	else
		return false;
	tcp = frame + segment->header;
	if (tcp[TCP_LENGTH] != TCP_HEADER / 4 << 4 || (tcp[TCP_FLAGS] & ~FLAG_PSH) != FLAG_ACK ||
	    wire16(tcp + TCP_URGENT))
		return false;
	segment->data = len - segment->header - TCP_HEADER;
	if (segment->data < DATA_MIN)
		return false;
	/* All of it adds up to 0xffff, so the data do to what the rest leaves. */
	segment->sum = wire_checksum(header_sum(frame, segment->header, len));
	return true;
}

/*
 * The same connection, in the same state. What else the IP header says of a single packet may differ, but for how far it
 * may go: one that may go no further is refused.
 */
static bool merge_same(const struct merge *merge, const u8 *frame)
{
	const u8 *tcp_a = merge->frame + merge->header, *tcp_b = frame + merge->header;
	bool four = merge->header == ETH_HEADER + IP_HEADER;
	unsigned addresses = four ? 8 : 32, life = ETH_HEADER + (four ? 8 : 7);

	return !memcmp(merge->frame, frame, ETH_HEADER + 2) && merge->frame[life] == frame[life] &&
	       !memcmp(tcp_a - addresses, tcp_b - addresses, addresses + TCP_SEQ) &&
	       !memcmp(tcp_a + TCP_ACK, tcp_b + TCP_ACK, TCP_FLAGS - TCP_ACK) &&
	       !memcmp(tcp_a + TCP_FLAGS + 1, tcp_b + TCP_FLAGS + 1, 2);
}

static bool merge_follows(const struct merge *merge, const u8 *frame, const struct segment *segment)
{
	u32 have = merge->len - merge->header - TCP_HEADER;
	u32 next = wire32(merge->frame + merge->header + TCP_SEQ) + have;

	/* Behind an odd byte the sums' bytes would change places. */
	return have % 2 == 0 && merge->len + segment->data <= MERGE_MAX &&
	       wire32(frame + segment->header + TCP_SEQ) == next && merge_same(merge, frame);
}

bool merge_add(struct merge *merge, const u8 *frame, u32 len)
{
	struct segment segment;

	if (!merge_parse(frame, len, &segment))
		return false;
	if (!merge->len) {
		memcpy(merge->frame, frame, len);
		merge->len = len;
		merge->segments = 1;
		merge->header = segment.header;
		merge->sum = segment.sum;
		return true;
	}
	if (!merge_follows(merge, frame, &segment))
		return false;
	memcpy(merge->frame + merge->len, frame + len - segment.data, segment.data);
	merge->frame[merge->header + TCP_FLAGS] |= frame[segment.header + TCP_FLAGS];
	merge->len += segment.data;
	merge->segments++;
	merge->sum += segment.sum;
	return true;
}

static void write_header(struct merge *merge)
{
	u8 *ip = merge->frame + ETH_HEADER, *tcp = merge->frame + merge->header;

	if (merge->header == ETH_HEADER + IP_HEADER) {
		wire_put16(ip + 2, merge->len - ETH_HEADER);
		wire_put16(ip + 10, 0);
		wire_put16(ip + 10, wire_checksum(wire_sum(0, ip, IP_HEADER)));
	} else {
		wire_put16(ip + 4, merge->len - merge->header);
	}
	wire_put16(tcp + TCP_SUM, 0);
	wire_put16(tcp + TCP_SUM,
		   wire_checksum(merge->sum + header_sum(merge->frame, merge->header, merge->len)));
}

const u8 *merge_end(struct merge *merge, u32 *len)
{
	if (!merge->len)
		return NULL;
	if (merge->segments > 1)
		write_header(merge);
	*len = merge->len;
	merge->len = 0;
	return merge->frame;
}
