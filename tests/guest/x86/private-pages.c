// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Converts pages both ways and looks at what is in them; then asks for nonsense, which must be refused and must
 * change nothing.
 */
// options: --vm-type sw-protected
// status: 0
// output: private pages ok
// without: not offered by this host's KVM
#include "guest.h"
#include "private.h"

#define AREA 0x2000000U
#define LAST (RAM_END - PAGE)

#define PUBLIC 0x10000U
#define SECRET 0x70000U

static void small(void)
{
	for (u32 i = 0; i < 8; i++)
		fill(AREA + i * PAGE, PUBLIC + i);
	convert(AREA + 2 * PAGE, 4, PRIVATE);
	for (u32 i = 2; i < 6; i++) {
		check_zero("just made private", AREA + i * PAGE);
		fill(AREA + i * PAGE, SECRET + i);
	}
	convert(AREA + 3 * PAGE, 1, SHARED);
	check_zero("just made shared", AREA + 3 * PAGE);
	for (u32 i = 0; i < 8; i++) {
		if (i == 3)
			continue;
		check_fill("a neighbour", AREA + i * PAGE, (i >= 2 && i < 6 ? SECRET : PUBLIC) + i);
	}
}

/* What is so already keeps what is in it. */
static void again(void)
{
	convert(AREA + 4 * PAGE, 2, PRIVATE);
	check_fill("private and made so again", AREA + 4 * PAGE, SECRET + 4);
	convert(AREA, 8, SHARED);
	for (u32 i = 0; i < 8; i++) {
		if (i >= 2 && i < 6)
			check_zero("shared with all the rest", AREA + i * PAGE);
		else
			check_fill("shared and made so again", AREA + i * PAGE, PUBLIC + i);
	}
}

/* Large pages of the host, cut and whole, and every size that may be preferred. */
static void large(void)
{
	static const struct {
		u32 first, pages, size;
	} ranges[] = { { 0, 512, 1 }, { 1, 512, 0 }, { 511, 514, 2 }, { 0, 1024, 1 } };

	for (u32 i = 0; i < ARRAY_SIZE(ranges); i++) {
		u32 begin = AREA + ranges[i].first * PAGE, end = begin + ranges[i].pages * PAGE;

		for (u32 page = begin; page < end; page += PAGE)
			*(volatile u32 *)page = PUBLIC;
		convert(begin, ranges[i].pages, PRIVATE | ranges[i].size);
		for (u32 page = begin; page < end; page += PAGE) {
			CHECK_EQ("a private page's word", *(volatile u32 *)page, 0);
			*(volatile u32 *)page = SECRET;
		}
		/* Every other one back. */
		for (u32 page = begin; page < end; page += 32 * PAGE)
			convert(page, 1, SHARED | ranges[i].size);
		for (u32 page = begin; page < end; page += PAGE)
			CHECK_EQ("a word between others", *(volatile u32 *)page,
				 (page - begin) % (32 * PAGE) ? SECRET : 0);
		convert(begin, ranges[i].pages, SHARED);
		check_zero("a large range made shared", end - PAGE);
	}
}

static void nonsense(void)
{
	static const struct {
		u32 gpa, pages, attributes;
	} calls[] = {
		{ AREA + 1, 1, PRIVATE },
		{ AREA + 2048, 2, SHARED },
		{ AREA, 0, PRIVATE },
		{ AREA, 0xffffffff, PRIVATE },
		{ 0xfffff000, 1, PRIVATE },
		{ AREA, 0x100000, SHARED },
		{ RAM_END, 1, PRIVATE },
		{ LAST, 2, PRIVATE },
		{ LAST, 2, SHARED },
		{ BOARD_ECAM, 1, PRIVATE },
		{ BOARD_LAPIC, 1, PRIVATE },
		{ BOARD_PCI_MMIO, 1, SHARED },
		{ AREA, 1, PRIVATE | 3 },
		{ AREA, 1, SHARED | 15 },
		{ AREA, 1, PRIVATE | 1 << 5 },
		{ AREA, 1, SHARED | 1U << 31 },
		{ 0, RAM_END / PAGE + 1, PRIVATE },
	};

	fill(AREA, PUBLIC);
	convert(AREA + PAGE, 1, PRIVATE);
	fill(AREA + PAGE, SECRET);
	fill(LAST, PUBLIC);
	for (u32 i = 0; i < ARRAY_SIZE(calls); i++)
		CHECK_EQ("the answer to nonsense",
			 map_gpa_range(calls[i].gpa, calls[i].pages, calls[i].attributes),
			 -KVM_EINVAL);
	check_fill("shared, after nonsense", AREA, PUBLIC);
	check_fill("private, after nonsense", AREA + PAGE, SECRET);
	check_fill("the last page, after nonsense", LAST, PUBLIC);
	CHECK_EQ("a hypercall that is none", hypercall(99, AREA, 1, PRIVATE), -KVM_ENOSYS);
	convert(LAST, 1, PRIVATE);
	check_zero("the last page of all", LAST);
}

void guest_main(addr_t boot)
{
	if (!(kvm_features() >> KVM_FEATURE_HC_MAP_GPA_RANGE & 1))
		fail("KVM's features", kvm_features());
	small();
	again();
	large();
	nonsense();
	print("private pages ok\n");
	power_off();
}
