// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two CPUs access the same pages as of either kind, and so convert them. First one at a time has a page, and knows what
 * must be in it; then nobody knows anything, and only the machine must survive.
 */
// options: --vm-type sw-protected -c 2
// status: 0
// output: access hammer ok
// without: not offered by this host's KVM
// limit: 180
#include "access.h"
#include "private-hammer.h"

#define ROUNDS 400U

/* One page of the same 2 MiB is always private: so KVM maps none of the others along with its neighbours. */
#define APART (AREA + PAGES * PAGE)

static void access_locked(u32 i, u32 private)
{
	u32 page = page_at(i), kind = private ? AS_PRIVATE : AS_SHARED, filled;

	lock_page(i);
	filled = pages[i].filled && pages[i].private == private;
	forget(page, 1);
	CHECK_EQ("a word in turns", read_as(kind, page),
		 filled ? pattern(private ? SECRET : PUBLIC + i, 0) : 0);
	pages[i].private = private;
	pages[i].filled = filled;
	check_page(i);
	fill(page, private ? SECRET : PUBLIC + i);
	pages[i].filled = 1;
	unlock_page(i);
}

static void access_hammer(u32 cpu)
{
	u32 state = (cpu + 1) * 2654435761U;

	for (u32 n = 0; n < ROUNDS; n++)
		access_locked(random(&state) % PAGES, random(&state) >> 7 & 1);
	meet(HAMMERS);
	for (u32 n = 0; n < ROUNDS; n++) {
		u32 page = page_at(random(&state) % 4);

		forget(page, 1);
		write_as(random(&state) & 16 ? AS_PRIVATE : AS_SHARED, page + 4 * cpu, n);
	}
	meet(0);
}

void guest_main(addr_t boot)
{
	convert(AREA, PAGES, PRIVATE);
	convert(AREA, PAGES, SHARED);
	convert(APART, 1, PRIVATE);
	hammers_left = 2 * HAMMERS;
	smp_start(1, access_hammer);
	access_hammer(0);
	convert(AREA, PAGES, SHARED);
	convert(AREA, PAGES, PRIVATE);
	for (u32 i = 0; i < PAGES; i++)
		check_zero("private, after all", page_at(i));
	print("access hammer ok\n");
	power_off();
}
