// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * prealloc [MIB [ROUNDS]]: how long prealloc takes for a guest of so many MiB, on one CPU (by one thread) and on all
 * that this process may use (by a thread on each), in turns. Prints medians in milliseconds, and their ratio.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "lkvm/util/loop.h"
#include "lkvm/memory/memory.h"
#include "lkvm/config/memory-config.h"

#define MAX_ROUNDS 99

static u64 size;

/* Milliseconds; 0: this host has no such memory, which has been said. */
static double fill_once(enum memory_kind kind, const cpu_set_t *cpus)
{
	const struct memory_config config = { .kind = kind, .prealloc = true };
	struct guest_memory memory;
	double took = 0;
	u64 begin;

	sched_setaffinity(0, sizeof(*cpus), cpus);
	guest_memory_init(&memory);
	begin = clock_now();
	if (!guest_memory_use(&memory, &config, size) && !guest_memory_add_ram(&memory, 0, size))
		took = (clock_now() - begin) / 1e6;
	guest_memory_destroy(&memory);
	return took;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void measure(enum memory_kind kind, unsigned rounds, const cpu_set_t *one,
		    const cpu_set_t *all)
{
	double alone[MAX_ROUNDS], together[MAX_ROUNDS];

	for (unsigned i = 0; i < rounds; i++) {
		alone[i] = fill_once(kind, one);
		if (alone[i] == 0)
			return;
		together[i] = fill_once(kind, all);
	}
	qsort(alone, rounds, sizeof(*alone), compare);
	qsort(together, rounds, sizeof(*together), compare);
	printf("%-12s %10.1f ms %10.1f ms %8.2f\n", memory_kind_names[kind], alone[rounds / 2],
	       together[rounds / 2], together[rounds / 2] / alone[rounds / 2]);
}

int main(int argc, char **argv)
{
	static const enum memory_kind kinds[] = { MEMORY_ANONYMOUS, MEMORY_MEMFD, MEMORY_HUGETLB };
	unsigned mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 4096, first = 0;
	unsigned rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
	cpu_set_t one, all;

	if (!mib || !rounds || rounds > MAX_ROUNDS || sched_getaffinity(0, sizeof(all), &all)) {
		fprintf(stderr, "usage: prealloc [MIB [ROUNDS, at most %u]]\n", MAX_ROUNDS);
		return 2;
	}
	while (!CPU_ISSET(first, &all))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	size = MIB((u64)mib);
	printf("%u MiB, %u turns\n%-12s %13s %9d CPUs %8s\n", mib, rounds, "memory", "1 CPU",
	       CPU_COUNT(&all), "ratio");
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		measure(kinds[i], rounds, &one, &all);
	return 0;
}
