// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "platform.h"
#include "test.h"

static unsigned get16(const u8 *p)
{
	return p[0] | p[1] << 8;
}

struct counts {
	unsigned cpus, buses, ioapics, interrupts, locals, boot_cpus;
	int pin_of[2][256]; /* by bus and its irq; -1: none */
};

/* Walks the table as a kernel does, with every check a kernel makes. */
static void walk(unsigned cpus, const struct pci_board *board, struct counts *counts)
{
	struct platform p = { .nr_cpus = cpus,
			      .cpu_signature = 0x806ec,
			      .cpu_features = 0x178bfbff,
			      .devices = &devices,
			      .pci = board };
	const u8 *pointer, *table;
	unsigned at = 44;

	memset(counts, 0, sizeof(*counts));
	memset(counts->pin_of, 0xff, sizeof(counts->pin_of));
	assert_int_equal(mptable_build(&memory, &p), 0);
	pointer = guest_memory_hva(&memory, 0xf0000, 16);
	assert_memory_equal(pointer, "_MP_", 4);
	assert_int_equal(sum(pointer, 16), 0);
	assert_int_equal(get16(pointer + 4), 0x0010);
	table = guest_memory_hva(&memory, 0xf0010, 44);
	assert_memory_equal(table, "PCMP", 4);
	assert_int_equal(sum(table, get16(table + 4)), 0);
	for (unsigned i = 0; i < get16(table + 34); i++) {
		const u8 *entry = table + at;

		switch (entry[0]) {
		case 0:
			assert_int_equal(entry[1], counts->cpus++);
			counts->boot_cpus += entry[3] >> 1 & 1;
			at += 20;
			continue;
		case 1:
			counts->buses++;
			break;
		case 2:
			assert_int_equal(entry[3], 1);
			counts->ioapics++;
			break;
		case 3:
			assert_true(entry[4] < 2 && entry[7] < BOARD_NR_IOAPIC_PINS);
			counts->pin_of[entry[4]][entry[5]] = entry[7];
			counts->interrupts++;
			break;
		case 4:
			counts->locals++;
			break;
		default:
			fail();
		}
		at += 8;
	}
	assert_int_equal(at, get16(table + 4));
}

static void with_pci(void **state)
{
	struct counts counts;

	walk(4, &pci, &counts);
	assert_int_equal(counts.cpus, 4);
	assert_int_equal(counts.boot_cpus, 1);
	assert_int_equal(counts.buses, 2);
	assert_int_equal(counts.ioapics, 1);
	assert_int_equal(counts.locals, 2);
	assert_int_equal(counts.interrupts, 15 + 31 * 4);
	assert_int_equal(counts.pin_of[1][0], 0);
	assert_int_equal(counts.pin_of[1][4], 4);
	assert_int_equal(counts.pin_of[1][2], -1);
	/* The swizzle: slot 1 INTA# is one further than slot 0's would be, and it wraps. */
	assert_int_equal(counts.pin_of[0][1 << 2 | 0], 11);
	assert_int_equal(counts.pin_of[0][1 << 2 | 3], 10);
	assert_int_equal(counts.pin_of[0][3 << 2 | 0], 11);
	assert_int_equal(counts.pin_of[0][4 << 2 | 0], 10);
}

static void without_pci(void **state)
{
	struct counts counts;

	walk(1, NULL, &counts);
	assert_int_equal(counts.buses, 1);
	assert_int_equal(counts.interrupts, 15);
}

static void as_many_as_there_may_be(void **state)
{
	struct counts counts;

	walk(BOARD_MAX_CPUS, &pci, &counts);
	assert_int_equal(counts.cpus, BOARD_MAX_CPUS);
	assert_int_equal(counts.boot_cpus, 1);
}

static void no_memory_no_room(void **state)
{
	struct platform p = { .nr_cpus = 4000, .devices = &devices };
	struct guest_memory none;

	assert_int_equal(mptable_build(&memory, &p), -ENOSPC);
	guest_memory_init(&none);
	p.nr_cpus = 1;
	assert_int_equal(mptable_build(&none, &p), -EFAULT);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup(test, make_platform)
	const struct CMUnitTest tests[] = {
		T(with_pci),
		T(without_pci),
		T(as_many_as_there_may_be),
		T(no_memory_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
