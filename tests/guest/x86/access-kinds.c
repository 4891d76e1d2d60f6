// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No hypercall converts a page here: accesses of the other kind do. Which pages are left and what is in them is
 * known each time. Waits for a byte at the end, so that somebody can look at lkvm's counters (access-kinds.sh).
 */
#include "access.h"

#define AREA  0x2000000U
#define PAGES 64U

#define PUBLIC 0x10000U
#define SECRET 0x70000U

static u32 conversions;

static u32 at(u32 i)
{
	return AREA + i * PAGE;
}

/* Every other page becomes private by a read, or by a write. */
static void to_private(void)
{
	for (u32 i = 0; i < PAGES; i++)
		fill(at(i), PUBLIC + i);
	forget(AREA, PAGES);
	for (u32 i = 1; i < PAGES; i += 2) {
		if (i & 2)
			CHECK_EQ("just made private", read_as(AS_PRIVATE, at(i) + 4 * i), 0);
		else
			write_as(AS_PRIVATE, at(i) + 4 * i, 0);
		conversions++;
		check_zero("just made private", at(i));
		fill(at(i), SECRET + i);
	}
	forget(AREA, PAGES);
	for (u32 i = 0; i < PAGES; i++)
		check_fill("as its kind is", at(i), (i & 1 ? SECRET : PUBLIC) + i);
}

/* Of the kind that they are: nothing happens. */
static void as_they_are(void)
{
	forget(AREA, PAGES);
	for (u32 i = 0; i < PAGES; i++)
		CHECK_EQ("read as what it is", read_as(i & 1 ? AS_PRIVATE : AS_SHARED, at(i)),
			 pattern((i & 1 ? SECRET : PUBLIC) + i, 0));
}

static void to_shared(void)
{
	forget(AREA, PAGES);
	for (u32 i = 1; i < PAGES; i += 4) {
		CHECK_EQ("just made shared", read_as(AS_SHARED, at(i)), 0);
		conversions++;
		check_zero("just made shared", at(i));
	}
	for (u32 i = 0; i < PAGES; i++)
		if (i % 4 != 1)
			check_fill("a neighbour", at(i), (i & 1 ? SECRET : PUBLIC) + i);
}

/* Four bytes that lie in two pages. */
static void across_two(void)
{
	u32 page = at(PAGES);

	for (u32 i = 0; i < 4; i++)
		fill(page + i * PAGE, PUBLIC);
	forget(page, 4);
	write_as(AS_PRIVATE, page + 2 * PAGE - 2, 0x12345678);
	conversions += 2;
	check_fill("before them", page, PUBLIC);
	check_fill("behind them", page + 3 * PAGE, PUBLIC);
	CHECK_EQ("both halves", read_as(AS_PRIVATE, page + 2 * PAGE - 2), 0x12345678);
	CHECK_EQ("the first page's last word", read32(page + 2 * PAGE - 4), 0x56780000);
	CHECK_EQ("the second page's first word", read32(page + 2 * PAGE), 0x1234);
}

/* From the middle of what KVM may have mapped as one. */
static void in_a_large_page(void)
{
	u32 large = AREA + 0x400000, middle = large + 300 * PAGE;

	for (u32 i = 0; i < 512; i++)
		*(volatile u32 *)(large + i * PAGE) = PUBLIC + i;
	forget(large, 512);
	CHECK_EQ("a first word, shared", read32(large), PUBLIC);
	forget(large, 512);
	CHECK_EQ("a page of many", read_as(AS_PRIVATE, middle), 0);
	conversions++;
	for (u32 i = 0; i < 512; i++)
		CHECK_EQ("a page of many", read32(large + i * PAGE), i == 300 ? 0 : PUBLIC + i);
}

/* Hypercalls and accesses take turns. */
static void both_ways(void)
{
	u32 page = at(PAGES + 8);

	convert(page, 8, PRIVATE);
	for (u32 i = 0; i < 8; i++)
		fill(page + i * PAGE, SECRET + i);
	forget(page, 8);
	CHECK_EQ("shared by an access", read_as(AS_SHARED, page + 3 * PAGE), 0);
	conversions++;
	convert(page, 8, PRIVATE);
	check_zero("private by a hypercall", page + 3 * PAGE);
	check_fill("private all the time", page + 4 * PAGE, SECRET + 4);
	convert(page, 8, SHARED);
	forget(page, 8);
	CHECK_EQ("private by an access", read_as(AS_PRIVATE, page), 0);
	conversions++;
}

void guest_main(addr_t boot)
{
	to_private();
	as_they_are();
	to_shared();
	across_two();
	in_a_large_page();
	both_ways();
	print("conversions ");
	print_hex(conversions);
	print("\nconverted\n");
	while (!(uart_read(0, UART_LSR) & UART_LSR_READY))
		;
	print("access kinds ok\n");
	power_off();
}
