// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "caches.h"
#include "lkvm/host/host.h"
#include "lkvm/util/cpulist.h"

#define HOST_MAX_CACHES 16

/* CLIDR_EL1.Ctype<n>, three bits a level */
enum {
	CTYPE_NONE,
	CTYPE_INSTRUCTIONS,
	CTYPE_DATA,
	CTYPE_SPLIT,
	CTYPE_UNIFIED,
};

struct host_cache {
	unsigned level;
	char type[16]; /* "Data", "Instruction", "Unified" */
	unsigned sharers;
	struct cache cache;
};

static bool read_word(const char *folder, unsigned index, const char *name, char *word, size_t size)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/index%u/%s", folder, index, name);
	return !host_read_line(path, word, size);
}

/* "64K", "256" */
static u32 read_number(const char *folder, unsigned index, const char *name)
{
	char word[32], unit = '\0';
	u32 value = 0;

	read_word(folder, index, name, word, sizeof(word));
	sscanf(word, "%" SCNu32 "%c", &value, &unit);
	return unit == 'K' ? value << 10 : unit == 'M' ? value << 20 : value;
}

static unsigned count_sharers(const char *folder, unsigned index)
{
	char path[512];
	cpu_set_t set;

	snprintf(path, sizeof(path), "%s/index%u/shared_cpu_list", folder, index);
	return cpulist_read(path, &set) ? 1 : CPU_COUNT(&set);
}

static bool read_cache(const char *folder, unsigned index, struct host_cache *host)
{
	if (!read_word(folder, index, "type", host->type, sizeof(host->type)))
		return false;
	host->level = read_number(folder, index, "level");
	host->sharers = count_sharers(folder, index);
	host->cache = (struct cache){
		.there = true,
		.size = read_number(folder, index, "size"),
		.line = read_number(folder, index, "coherency_line_size"),
		.sets = read_number(folder, index, "number_of_sets"),
	};
	return true;
}

static const struct host_cache *host_cache_find(const struct host_cache *host, unsigned nr,
						unsigned level, const char *type)
{
	for (unsigned i = 0; i < nr; i++) {
		if (host[i].level == level && !strcmp(host[i].type, type))
			return &host[i];
	}
	return NULL;
}

static struct cache caches_like(const struct host_cache *host)
{
	return host ? host->cache : (struct cache){ .there = true };
}

/* What CLIDR_EL1 says is there; a cache for both is like the host's for both, or else its data cache. */
static bool near_level(unsigned ctype, const struct host_cache *host, unsigned nr, unsigned level,
		       struct cache_level *out)
{
	const struct host_cache *data = host_cache_find(host, nr, level, "Data");
	const struct host_cache *unified = host_cache_find(host, nr, level, "Unified");

	if (ctype == CTYPE_NONE || ctype > CTYPE_UNIFIED)
		return false;
	*out = (struct cache_level){ .split = ctype != CTYPE_UNIFIED };
	if (ctype == CTYPE_UNIFIED)
		out->data = caches_like(unified ?: data);
	if (ctype == CTYPE_DATA || ctype == CTYPE_SPLIT)
		out->data = caches_like(data);
	if (ctype == CTYPE_INSTRUCTIONS || ctype == CTYPE_SPLIT)
		out->instructions = caches_like(host_cache_find(host, nr, level, "Instruction"));
	return true;
}

/* Behind those of CLIDR_EL1, as system caches are: only ones for both, and their size must be known. */
static bool far_level(const struct host_cache *host, unsigned nr, unsigned level,
		      struct cache_level *out)
{
	const struct host_cache *unified = host_cache_find(host, nr, level, "Unified");

	if (!unified || !unified->cache.size)
		return false;
	*out = (struct cache_level){ .data = unified->cache };
	return true;
}

static bool is_shared(const struct host_cache *host, unsigned nr, unsigned level, unsigned nr_vcpus)
{
	const struct host_cache *unified = host_cache_find(host, nr, level, "Unified");

	/* vCPUs wander; what fewer CPUs share than the guest has is as good as each one's own. */
	return level > 1 && unified && unified->sharers > 1 && unified->sharers >= nr_vcpus;
}

unsigned caches_find(u64 clidr, const char *folder, unsigned nr_vcpus,
		     struct cache_level levels[CACHE_MAX_LEVELS])
{
	struct host_cache host[HOST_MAX_CACHES];
	unsigned nr = 0, n = 0;

	while (nr < HOST_MAX_CACHES && read_cache(folder, nr, &host[nr]))
		nr++;
	while (n < CACHE_MAX_LEVELS &&
	       near_level(clidr >> (3 * n) & 7, host, nr, n + 1, &levels[n]))
		n++;
	while (n && n < CACHE_MAX_LEVELS && far_level(host, nr, n + 1, &levels[n]))
		n++;
	for (unsigned i = 0; i < n; i++)
		levels[i].shared = is_shared(host, nr, i + 1, nr_vcpus);
	/* A cache of each CPU's own behind one that all share is no hierarchy. */
	for (unsigned i = 1; i < n; i++)
		levels[i].shared |= levels[i - 1].shared;
	return n;
}
