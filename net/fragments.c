// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "fragments.h"
#include "wire.h"

#define SET_LIFE_NS (30 * 1000000000ULL)
#define MORE	    0x2000
#define OFFSET	    0x1fff

struct piece {
	struct fragment_key key;
	unsigned header_len, offset, len;
	bool last;
	const u8 *data;
};

void fragments_free(struct fragments *fragments)
{
	for (unsigned i = 0; i < FRAGMENT_SETS; i++)
		free(fragments->sets[i].data);
}

bool is_fragment(const u8 *frame, size_t len)
{
	return len >= ETH_HEADER + IP_HEADER && wire16(frame + 12) == ETH_IP &&
	       (wire16(frame + ETH_HEADER + 6) & (MORE | OFFSET));
}

static bool fragment_parse(const u8 *frame, size_t len, struct piece *piece)
{
	const u8 *ip = frame + ETH_HEADER;
	unsigned header = (ip[0] & 15) * 4, total = wire16(ip + 2), where = wire16(ip + 6);

	if (ip[0] >> 4 != 4 || header < IP_HEADER || total <= header || total > len - ETH_HEADER)
		return false;
	piece->key.from = wire32(ip + 12);
	piece->key.to = wire32(ip + 16);
	piece->key.id = wire16(ip + 4);
	piece->key.protocol = ip[9];
	piece->header_len = ETH_HEADER + header;
	piece->offset = (where & OFFSET) * 8;
	piece->len = total - header;
	piece->last = !(where & MORE);
	piece->data = ip + header;
	if (!piece->last && piece->len % 8)
		return false;
	return piece->offset + piece->len <= FRAGMENT_DATAGRAM_MAX - 60;
}

static bool fragment_same(const struct fragment_key *a, const struct fragment_key *b)
{
	return a->from == b->from && a->to == b->to && a->id == b->id && a->protocol == b->protocol;
}

/* The datagram's own set, or a new one in place of the oldest. */
static struct fragment_set *fragments_find(struct fragments *fragments,
					   const struct fragment_key *key, u64 now)
{
	struct fragment_set *oldest = &fragments->sets[0];

	for (unsigned i = 0; i < FRAGMENT_SETS; i++) {
		struct fragment_set *set = &fragments->sets[i];

		if (set->begun && now - set->begun < SET_LIFE_NS && fragment_same(&set->key, key))
			return set;
		if (set->begun < oldest->begun)
			oldest = set;
	}
	if (!oldest->data)
		oldest->data = malloc(FRAGMENT_HEADER_MAX + FRAGMENT_DATAGRAM_MAX);
	if (!oldest->data)
		return NULL;
	oldest->key = *key;
	oldest->begun = now;
	oldest->header_len = oldest->have = oldest->end = oldest->total = 0;
	memset(oldest->units, 0, sizeof(oldest->units));
	return oldest;
}

/* False: some of it is there already. What came first counts, and all of a piece or nothing. */
static bool fragment_mark(struct fragment_set *set, const struct piece *piece)
{
	unsigned first = piece->offset / 8, end = (piece->offset + piece->len + 7) / 8;

	for (unsigned i = first; i < end; i++)
		if (set->units[i / 8] & BIT(i % 8))
			return false;
	for (unsigned i = first; i < end; i++)
		set->units[i / 8] |= BIT(i % 8);
	return true;
}

/* False: the pieces do not make a datagram. */
static bool fragment_add(struct fragment_set *set, const struct piece *piece, const u8 *frame)
{
	unsigned end = piece->offset + piece->len;

	/* One end, and nothing behind it. */
	if (set->total && (end > set->total || (piece->last && end < set->total)))
		return false;
	if (piece->last && end < set->end)
		return false;
	if (!fragment_mark(set, piece))
		return true;
	set->end = MAX(set->end, end);
	if (piece->last)
		set->total = end;
	if (!piece->offset) {
		set->header_len = piece->header_len;
		memcpy(set->header, frame, piece->header_len);
	}
	memcpy(set->data + FRAGMENT_HEADER_MAX + piece->offset, piece->data, piece->len);
	set->have += piece->len;
	return true;
}

static u8 *fragment_whole(struct fragment_set *set, size_t *len)
{
	u8 *frame = set->data + FRAGMENT_HEADER_MAX - set->header_len, *ip = frame + ETH_HEADER;
	unsigned header = set->header_len - ETH_HEADER;

	memcpy(frame, set->header, set->header_len);
	wire_put16(ip + 2, header + set->total);
	wire_put16(ip + 6, 0);
	wire_put16(ip + 10, 0);
	wire_put16(ip + 10, wire_checksum(wire_sum(0, ip, header)));
	*len = set->header_len + set->total;
	return frame;
}

u8 *fragments_take(struct fragments *fragments, const u8 *frame, size_t *len, u64 now)
{
	struct piece piece;
	struct fragment_set *set;

	if (!fragment_parse(frame, *len, &piece))
		return NULL;
	set = fragments_find(fragments, &piece.key, now);
	if (!set)
		return NULL;
	if (!fragment_add(set, &piece, frame)) {
		set->begun = 0;
		return NULL;
	}
	/* No byte came twice and none lies behind the end, so none is missing. */
	if (!set->total || set->have != set->total)
		return NULL;
	set->begun = 0;
	return fragment_whole(set, len);
}
