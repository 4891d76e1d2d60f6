/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is counted while a guest runs, for `lkvm stat`. Two kinds: exits by reason, which each vCPU's own thread
 * counts for itself, and counters of the whole guest, which any thread adds to and which are for things
 * rarer than an exit. Both are tables: who has something new to count adds a row and needs nothing else.
 */
#ifndef LKVM_VM_COUNTERS_H
#define LKVM_VM_COUNTERS_H

#include <stdatomic.h>
#include "lkvm/util/types.h"

/* ---- of the whole guest ---- */

enum counter {
	COUNTER_CONVERSIONS_PRIVATE, /* ranges made private, those shared, as the guest asked */
	COUNTER_CONVERSIONS_SHARED,
	COUNTER_CONVERSIONS_REFUSED, /* nonsense, or KVM did not do it */
	COUNTER_CONVERSIONS_BY_ACCESS, /* of these, those that an access of the other kind asked for */
	COUNTER_CONVERTED_BYTES,       /* both directions */
	COUNTER_HYPERCALLS,	       /* that came to lkvm */
	COUNTER_MEMORY_FAULTS,	       /* KVM_EXIT_MEMORY_FAULT: an access of the wrong kind */
	COUNTER_PREFAULTED_PAGES,      /* of 4 KiB, after a conversion */
	COUNTER_PREFAULT_FAILURES,     /* harmless: the guest faults the rest in */
	COUNTER_NR
};

/* Words instead of a number: how something was done. Constant strings. */
enum counter_word {
	COUNTER_WORD_BACKEND,	 /* what guest memory is made of: "anonymous", "guest-memfd" ... */
	COUNTER_WORD_POPULATION, /* how the boot image came into it: "write(2)" ... */
	COUNTER_WORD_NR
};

/* Any thread. Zero-initialised. */
struct counters {
	_Atomic u64 values[COUNTER_NR];
	const char *_Atomic words[COUNTER_WORD_NR]; /* NULL: not known */
};

/* Keys for programs and words for people, in the enums' order. */
struct counter_name {
	const char *key;
	const char *words;
};
extern const struct counter_name counter_names[COUNTER_NR];
extern const struct counter_name counter_word_names[COUNTER_WORD_NR];

static inline void counter_add(struct counters *counters, enum counter counter, u64 number)
{
	atomic_fetch_add_explicit(&counters->values[counter], number, memory_order_relaxed);
}

static inline u64 counter_get(const struct counters *counters, enum counter counter)
{
	return atomic_load_explicit(&counters->values[counter], memory_order_relaxed);
}

/* The string is never freed. */
static inline void counter_set_word(struct counters *counters, enum counter_word word,
				    const char *text)
{
	atomic_store_explicit(&counters->words[word], text, memory_order_relaxed);
}

/* ---- exits ---- */

#define CACHE_LINE	64
#define EXIT_REASONS	64
#define EXIT_REASON_MAX (EXIT_REASONS - 1) /* and everything above */

/*
 * By kvm_run's exit_reason; a KVM_RUN that a signal interrupted is KVM_EXIT_INTR. Only the vCPU's thread
 * writes, so a plain load and store count; any thread reads. No two vCPUs share a cache line.
 */
struct exit_counters {
	_Alignas(CACHE_LINE) _Atomic u64 by_reason[EXIT_REASONS];
};

/* For so many vCPUs, all zero; free() gives them back. NULL: no memory. */
struct exit_counters *exit_counters_create(unsigned nr_vcpus);

/* The vCPU's own thread. */
static inline void exit_count(struct exit_counters *exits, u32 reason)
{
	_Atomic u64 *counter = &exits->by_reason[MIN(reason, (u32)EXIT_REASON_MAX)];

	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

/* Any thread. */
static inline u64 exit_counter_get(const struct exit_counters *exits, unsigned reason)
{
	return atomic_load_explicit(&exits->by_reason[reason], memory_order_relaxed);
}

/* "io", "mmio" ...; a reason without a name has "reason_N", written into `buffer`. */
#define EXIT_NAME_SIZE 24
const char *exit_reason_name(unsigned reason, char buffer[EXIT_NAME_SIZE]);

#endif
