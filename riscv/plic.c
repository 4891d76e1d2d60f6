// SPDX-License-Identifier: GPL-2.0-or-later
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "plic.h"

#define MAX_SOURCES  1024
#define MAX_CONTEXTS 512
#define WORDS	     (MAX_SOURCES / 32)

/* Chapter 3: where registers are. Each has 4 bytes. */
#define PRIORITY       0x000000 /* of source n at 4n */
#define PENDING	       0x001000 /* 32 sources each */
#define ENABLE	       0x002000
#define ENABLE_BYTES   0x80 /* each context */
#define CONTEXT	       0x200000
#define CONTEXT_BYTES  0x1000
#define THRESHOLD      0 /* within a context */
#define CLAIM_COMPLETE 4

#define PRIORITY_MAX 7

struct context {
	u32 enabled[WORDS];
	u8 threshold;
	u8 raised; /* what notify() was told last */
	u8 unused[2];
};

/* What a guest sees of it. */
struct plic_state {
	u8 priority[MAX_SOURCES];
	u32 level[WORDS];    /* wires that are high */
	u32 pending[WORDS];  /* requests that wait to be claimed */
	u32 serviced[WORDS]; /* claimed, not completed: the gateway passes on no more */
	struct context contexts[];
};
_Static_assert(sizeof(struct context) == 4 * WORDS + 4, "no padding");
_Static_assert(sizeof(struct plic_state) == MAX_SOURCES + 3 * 4 * WORDS, "no padding");

struct plic {
	struct plic_config config; /* constant */
	pthread_mutex_t lock;	   /* for the state */
	struct plic_state state;   /* last: as many contexts as the configuration says */
};

struct plic *plic_create(const struct plic_config *config)
{
	struct plic *plic;

	if (config->nr_sources > MAX_SOURCES || config->nr_contexts > MAX_CONTEXTS)
		return NULL;
	plic = calloc(1, sizeof(*plic) + config->nr_contexts * sizeof(plic->state.contexts[0]));
	if (!plic)
		return NULL;
	plic->config = *config;
	pthread_mutex_init(&plic->lock, NULL);
	return plic;
}

void plic_destroy(struct plic *plic)
{
	if (!plic)
		return;
	pthread_mutex_destroy(&plic->lock);
	free(plic);
}

u64 plic_size(const struct plic *plic)
{
	return CONTEXT + plic->config.nr_contexts * CONTEXT_BYTES;
}

/* ---- what is to be done: lock held ---- */

/* The one to be claimed next: highest priority above `least`, then lowest number. 0: none. */
static unsigned plic_best(const struct plic *plic, const struct context *context, unsigned least)
{
	unsigned found = 0;

	for (unsigned word = 0; word < WORDS; word++) {
		u32 bits = plic->state.pending[word] & context->enabled[word];

		for (; bits; bits &= bits - 1) {
			unsigned source = word * 32 + __builtin_ctz(bits);

			if (plic->state.priority[source] > least) {
				least = plic->state.priority[source];
				found = source;
			}
		}
	}
	return found;
}

static void plic_update(struct plic *plic)
{
	for (unsigned i = 0; i < plic->config.nr_contexts; i++) {
		struct context *context = &plic->state.contexts[i];
		bool raised = plic_best(plic, context, context->threshold);

		if (raised == context->raised)
			continue;
		context->raised = raised;
		plic->config.notify(plic->config.opaque, i, raised);
	}
}

static u32 plic_bit(unsigned source)
{
	return 1U << source % 32;
}

/*
 * Chapter 5: a request that has been passed on stays even if its wire falls, so that a short pulse counts; and while
 * it is being served there is no other.
 */
static void plic_request(struct plic *plic, unsigned source)
{
	if (!(plic->state.serviced[source / 32] & plic_bit(source)))
		plic->state.pending[source / 32] |= plic_bit(source);
}

static u32 plic_claim(struct plic *plic, const struct context *context)
{
	unsigned source = plic_best(plic, context, 0);

	if (!source)
		return 0;
	plic->state.pending[source / 32] &= ~plic_bit(source);
	plic->state.serviced[source / 32] |= plic_bit(source);
	return source;
}

/* A completion of a source that the context has not enabled is ignored (PLIC specification, 9). */
static void plic_complete(struct plic *plic, const struct context *context, u32 source)
{
	if (source >= plic->config.nr_sources ||
	    !(context->enabled[source / 32] & plic_bit(source)))
		return;
	plic->state.serviced[source / 32] &= ~plic_bit(source);
	if (plic->state.level[source / 32] & plic_bit(source))
		plic_request(plic, source);
}

/* Bits of the word's sources that exist. */
static u32 plic_existing(const struct plic *plic, unsigned word)
{
	unsigned nr = plic->config.nr_sources, first = word * 32;
	u32 mask = nr >= first + 32 ? ~0U : nr > first ? (1U << (nr - first)) - 1 : 0;

	return word ? mask : mask & ~1U;
}

/* ---- from outside ---- */

void plic_set_line(void *opaque, unsigned source, bool level)
{
	struct plic *plic = opaque;

	if (!source || source >= plic->config.nr_sources)
		return;
	pthread_mutex_lock(&plic->lock);
	if (level) {
		plic->state.level[source / 32] |= plic_bit(source);
		plic_request(plic, source);
	} else {
		plic->state.level[source / 32] &= ~plic_bit(source);
	}
	plic_update(plic);
	pthread_mutex_unlock(&plic->lock);
}

void plic_reset(struct plic *plic)
{
	pthread_mutex_lock(&plic->lock);
	memset(plic->state.priority, 0, sizeof(plic->state.priority));
	memset(plic->state.serviced, 0, sizeof(plic->state.serviced));
	memcpy(plic->state.pending, plic->state.level, sizeof(plic->state.pending));
	for (unsigned i = 0; i < plic->config.nr_contexts; i++) {
		memset(plic->state.contexts[i].enabled, 0, sizeof(plic->state.contexts[i].enabled));
		plic->state.contexts[i].threshold = 0;
	}
	plic_update(plic);
	pthread_mutex_unlock(&plic->lock);
}

/* ---- registers ---- */

/* NULL: the offset is of no context that there is. `within` is from the context's first register. */
static struct context *context_at(struct plic *plic, u64 offset, u64 *within)
{
	u64 i = (offset - CONTEXT) / CONTEXT_BYTES;

	*within = offset % CONTEXT_BYTES;
	return i < plic->config.nr_contexts ? &plic->state.contexts[i] : NULL;
}

/* NULL likewise. The word has 32 sources. */
static u32 *enable_at(struct plic *plic, u64 offset, unsigned *word)
{
	u64 i = (offset - ENABLE) / ENABLE_BYTES;

	*word = offset % ENABLE_BYTES / 4;
	return i < plic->config.nr_contexts ? &plic->state.contexts[i].enabled[*word] : NULL;
}

static u32 plic_get(struct plic *plic, u64 offset)
{
	struct context *context;
	unsigned word;
	u32 *enable;
	u64 within;

	if (offset < PENDING)
		return plic->state.priority[offset / 4];
	if (offset < ENABLE)
		return offset - PENDING < WORDS * 4 ? plic->state.pending[(offset - PENDING) / 4]
						    : 0;
	if (offset < CONTEXT) {
		enable = enable_at(plic, offset, &word);
		return enable ? *enable : 0;
	}
	context = context_at(plic, offset, &within);
	if (context && within == THRESHOLD)
		return context->threshold;
	return context && within == CLAIM_COMPLETE ? plic_claim(plic, context) : 0;
}

static void plic_put(struct plic *plic, u64 offset, u32 value)
{
	struct context *context;
	unsigned word;
	u32 *enable;
	u64 within;

	if (offset < PENDING) {
		if (offset && offset / 4 < plic->config.nr_sources)
			plic->state.priority[offset / 4] = value & PRIORITY_MAX;
		return;
	}
	/* Pending bits are read-only. */
	if (offset < ENABLE)
		return;
	if (offset < CONTEXT) {
		enable = enable_at(plic, offset, &word);
		if (enable)
			*enable = value & plic_existing(plic, word);
		return;
	}
	context = context_at(plic, offset, &within);
	if (context && within == THRESHOLD)
		context->threshold = value & PRIORITY_MAX;
	else if (context && within == CLAIM_COMPLETE)
		plic_complete(plic, context, value);
}

/* Other accesses than those of whole registers mean nothing. */
static bool is_register(u64 offset, unsigned len)
{
	return len == 4 && IS_ALIGNED(offset, 4);
}

static void plic_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	struct plic *plic = opaque;
	u32 value = 0;

	if (is_register(offset, len)) {
		pthread_mutex_lock(&plic->lock);
		value = plic_get(plic, offset);
		plic_update(plic);
		pthread_mutex_unlock(&plic->lock);
	}
	bus_put(data, len, value);
}

static void plic_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct plic *plic = opaque;

	if (!is_register(offset, len))
		return;
	pthread_mutex_lock(&plic->lock);
	plic_put(plic, offset, bus_get(data, len));
	plic_update(plic);
	pthread_mutex_unlock(&plic->lock);
}

const struct bus_ops plic_bus_ops = { .read = plic_read, .write = plic_write };
