// SPDX-License-Identifier: GPL-2.0-or-later
#include "board.h"
#include "kernel.h"
#include "test.h"

static struct boot_e820_entry map[X86_E820_MAX];
static unsigned nr;

static void make(u64 low, u64 high)
{
	nr = x86_e820(map, &(const struct x86_boot){ .low_ram = low, .high_ram = high });
	assert_true(nr <= X86_E820_MAX);
	for (unsigned i = 0; i < nr; i++) {
		assert_true(map[i].size > 0);
		if (i)
			assert_true(map[i - 1].addr + map[i - 1].size <= map[i].addr);
	}
}

static u64 ram(void)
{
	u64 size = 0;

	for (unsigned i = 0; i < nr; i++)
		if (map[i].type == 1)
			size += map[i].size;
	return size;
}

static bool is_ram(u64 address)
{
	for (unsigned i = 0; i < nr; i++)
		if (map[i].type == 1 && address - map[i].addr < map[i].size)
			return true;
	return false;
}

/* All RAM is listed, but for what is reserved below 1 MiB. */
#define LOW_RESERVED (BOARD_HIGH_RAM - BOARD_LOW_RAM_END)

static void small(void **state)
{
	make(MIB(2), 0);
	assert_int_equal(ram(), MIB(2) - LOW_RESERVED);
	assert_false(is_ram(MIB(2)));
	make(MIB(512), 0);
	assert_int_equal(ram(), MIB(512) - LOW_RESERVED);
}

static void hole_is_crossed(void **state)
{
	make(BOARD_HOLE, GIB(5));
	assert_int_equal(ram(), BOARD_HOLE + GIB(5) - LOW_RESERVED);
	assert_true(is_ram(BOARD_HOLE - 1));
	assert_false(is_ram(BOARD_HOLE));
	assert_false(is_ram(BOARD_HOLE_END - 1));
	assert_true(is_ram(BOARD_HOLE_END));
	assert_true(is_ram(BOARD_HOLE_END + GIB(5) - 1));
	assert_false(is_ram(BOARD_HOLE_END + GIB(5)));
}

static void nothing_of_ours_is_ram(void **state)
{
	make(BOARD_HOLE, GIB(1));
	assert_false(is_ram(BOARD_ACPI));
	assert_false(is_ram(BOARD_MPTABLE));
	assert_false(is_ram(BOARD_ECAM));
	assert_false(is_ram(BOARD_PCI_MMIO));
	assert_false(is_ram(BOARD_VIRTIO_MMIO));
	assert_false(is_ram(BOARD_IDENTITY_MAP));
	assert_false(is_ram(BOARD_LAPIC));
	/* What the loader leaves for the kernel must be. */
	assert_true(is_ram(BOARD_BOOT_PARAMS));
	assert_true(is_ram(BOARD_BOOT_CMDLINE + BOARD_BOOT_CMDLINE_MAX - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small),
		cmocka_unit_test(hole_is_crossed),
		cmocka_unit_test(nothing_of_ours_is_ram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
