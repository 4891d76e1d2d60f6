/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two CPUs convert random ranges of the same pages. First every page has its lock, so what it holds is
 * known to the word: what it held before, or zeroes where its kind has changed. Then without locks, where only
 * the machine must survive, and a conversion of all of it be one again.
 */
#ifndef GUEST_PRIVATE_HAMMER_H
#define GUEST_PRIVATE_HAMMER_H

#include "private.h"
#include "smp.h"

#define AREA  0x2000000U
#define PAGES 256U
#define SPAN  24U /* pages of a range, at most */

#define HAMMERS 2U

/* The first word of a private page is this and the next ones follow from it: what the host looks for. */
#define SECRET 0x5ec4e7a1U
#define PUBLIC 0x10000000U

static struct {
	volatile u8 lock;
	u8 private, filled;
} pages[PAGES];
static volatile u32 hammers_left;
static u32 hammer_rounds;
static u8 hammer_waits; /* the locked rounds go on until the host has sent a byte */

static inline u32 random(u32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static inline void lock_page(u32 i)
{
	while (__atomic_exchange_n(&pages[i].lock, 1, __ATOMIC_ACQUIRE))
		cpu_relax();
}

static inline void unlock_page(u32 i)
{
	__atomic_store_n(&pages[i].lock, 0, __ATOMIC_RELEASE);
}

static inline u32 page_at(u32 i)
{
	return AREA + i * PAGE;
}

static inline void check_page(u32 i)
{
	if (!pages[i].filled)
		check_zero(pages[i].private ? "a private page" : "a shared page", page_at(i));
	else if (pages[i].private)
		check_fill("a private page's secret", page_at(i), SECRET);
	else
		check_fill("a shared page's words", page_at(i), PUBLIC + i);
}

static inline void convert_locked(u32 first, u32 nr, u32 *state)
{
	u8 private = random(state) >> 7 & 1;

	for (u32 i = first; i < first + nr; i++)
		lock_page(i);
	convert(page_at(first), nr, private ? PRIVATE : SHARED);
	for (u32 i = first; i < first + nr; i++) {
		if (pages[i].private != private)
			pages[i].filled = 0;
		pages[i].private = private;
	}
	/* Not all are looked at each time: pages are many, and the processor is slow. */
	for (u32 i = first; i < first + nr; i += 1 + random(state) % 4) {
		check_page(i);
		fill(page_at(i), private ? SECRET : PUBLIC + i);
		pages[i].filled = 1;
	}
	for (u32 i = first; i < first + nr; i++)
		unlock_page(i);
}

static inline void convert_unlocked(u32 first, u32 nr, u32 *state)
{
	u32 page = page_at(random(state) % PAGES);

	convert(page_at(first), nr, random(state) & PRIVATE);
	/* Whatever kind it is by now, on its way to the other one perhaps. No secret: there is none here. */
	*(volatile u32 *)page += 1;
	*(volatile u32 *)(page + PAGE - 4) += 1;
}

static inline void meet(u32 before)
{
	__atomic_sub_fetch(&hammers_left, 1, __ATOMIC_ACQ_REL);
	while (hammers_left > before)
		cpu_relax();
}

static inline u8 told_to_end(void)
{
	return !hammer_waits || (uart_read(0, UART_LSR) & UART_LSR_READY);
}

static inline void hammer(u32 cpu)
{
	u32 state = (cpu + 1) * 2654435761U;

	for (u32 i = 0; i < hammer_rounds || !told_to_end(); i++) {
		u32 first = random(&state) % PAGES, nr = 1 + random(&state) % SPAN;

		convert_locked(first, nr > PAGES - first ? PAGES - first : nr, &state);
	}
	/* Both are done with the locks, and then with what is locked by nobody. */
	meet(HAMMERS);
	for (u32 i = 0; i < hammer_rounds * 2; i++) {
		u32 first = random(&state) % PAGES, nr = 1 + random(&state) % 4;

		convert_unlocked(first, nr > PAGES - first ? PAGES - first : nr, &state);
	}
	meet(0);
}

static inline void hammer_both(u32 rounds)
{
	convert(AREA, PAGES, PRIVATE);
	convert(AREA, PAGES, SHARED);
	hammer_rounds = rounds;
	hammers_left = 2 * HAMMERS;
	smp_start(1, hammer);
	hammer(0);
	convert(AREA, PAGES, SHARED);
	convert(AREA, PAGES, PRIVATE);
	for (u32 i = 0; i < PAGES; i++)
		check_zero("private, after all", page_at(i));
	convert(AREA, PAGES, SHARED);
	for (u32 i = 0; i < PAGES; i++)
		check_zero("shared, after all", page_at(i));
}

#endif
