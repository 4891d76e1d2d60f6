// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "lkvm/net/backend.h"
#include "script.h"

bool net_needs_helper(const void *record)
{
	const struct net_config *config = record;

	return config->mode == NET_MODE_USER || net_script(config->script) ||
	       net_script(config->downscript);
}

struct net_backend *net_backend_create(const struct net_config *config)
{
	return config->mode == NET_MODE_USER ? net_user_create(config) : net_tap_create(config);
}

/* FNV-1a: spreads similar names well enough, and is the same on every host. */
static u64 backend_hash(u64 h, const void *data, size_t len)
{
	const u8 *bytes = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * 0x100000001b3ULL;
	return h;
}

void net_mac(const struct net_config *config, const char *guest_name, unsigned index, u8 mac[6])
{
	static const u8 none[6];
	u8 position[2] = { index, index >> 8 };
	u64 h;

	if (memcmp(config->mac, none, 6)) {
		memcpy(mac, config->mac, 6);
		return;
	}
	h = backend_hash(0xcbf29ce484222325ULL, guest_name, strlen(guest_name));
	h = backend_hash(h, position, sizeof(position));
	/* The low bits of FNV are its best mixed ones, the high ones depend on them: fold. */
	h ^= h >> 48;
	for (unsigned i = 0; i < 6; i++)
		mac[i] = h >> (8 * i);
	mac[0] = (mac[0] & ~0x01) | 0x02;
}
