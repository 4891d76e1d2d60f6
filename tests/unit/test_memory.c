// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lkvm/memory/memory.h"
#include "test.h"

#define LOW  0x1000
#define HIGH 0x100000000ULL

static u8 low[0x3000], next[0x1000], high[0x2000];
static struct guest_memory memory;

static int setup(void **state)
{
	memset(low, 1, sizeof(low));
	memset(next, 2, sizeof(next));
	memset(high, 3, sizeof(high));
	guest_memory_init(&memory);
	/* Out of order on purpose: the table sorts. [0x1000, 0x4000) and [0x4000, 0x5000) touch. */
	assert_int_equal(guest_memory_add_buffer(&memory, HIGH, high, sizeof(high)), 0);
	assert_int_equal(guest_memory_add_buffer(&memory, LOW, low, sizeof(low)), 0);
	assert_int_equal(guest_memory_add_buffer(&memory, 0x4000, next, sizeof(next)), 0);
	return 0;
}

static void bounds_of_the_door(void **state)
{
	assert_ptr_equal(guest_memory_hva(&memory, LOW, 1), low);
	assert_ptr_equal(guest_memory_hva(&memory, LOW + 2, 0x2ffe), low + 2);
	assert_ptr_equal(guest_memory_hva(&memory, HIGH + 0x1fff, 1), high + 0x1fff);
	assert_null(guest_memory_hva(&memory, LOW, 0));
	assert_null(guest_memory_hva(&memory, LOW - 1, 1));
	assert_null(guest_memory_hva(&memory, LOW - 1, 2));
	assert_null(guest_memory_hva(&memory, LOW, 0x3001));
	assert_null(guest_memory_hva(&memory, HIGH + 0x2000, 1));
	assert_null(guest_memory_hva(&memory, HIGH + 0x1fff, 2));
	assert_null(guest_memory_hva(&memory, HIGH + 8, UINT64_MAX));
	assert_null(guest_memory_hva(&memory, UINT64_MAX, 1));
	assert_null(guest_memory_hva(&memory, UINT64_MAX, UINT64_MAX));
	assert_null(guest_memory_hva(&memory, 0, 1));
}

static void addresses_have_a_way_back(void **state)
{
	gpa_t gpa;

	assert_true(guest_memory_gpa(&memory, low, &gpa));
	assert_int_equal(gpa, LOW);
	assert_true(guest_memory_gpa(&memory, high + 0x1fff, &gpa));
	assert_int_equal(gpa, HIGH + 0x1fff);
	assert_false(guest_memory_gpa(&memory, &memory, &gpa));
	assert_false(guest_memory_gpa(&memory, NULL, &gpa));
}

static void copies_span_adjacent_regions(void **state)
{
	u8 buffer[16] = { 0 };

	assert_int_equal(guest_read(&memory, 0x3ff8, buffer, 16), 0);
	assert_int_equal(buffer[7], 1);
	assert_int_equal(buffer[8], 2);
	memset(buffer, 9, sizeof(buffer));
	assert_int_equal(guest_write(&memory, 0x3ff8, buffer, 16), 0);
	assert_int_equal(low[0x2fff], 9);
	assert_int_equal(next[7], 9);
	assert_int_equal(next[8], 2);
	assert_int_equal(guest_read(&memory, 0x4ff8, buffer, 9), -EFAULT);
	assert_int_equal(guest_write(&memory, 0x4ff8, buffer, 9), -EFAULT);
	assert_int_equal(guest_read(&memory, UINT64_MAX - 1, buffer, 4), -EFAULT);
}

static void read_only_regions(void **state)
{
	u8 byte = 7;

	memory.regions[0].readonly = true;
	assert_non_null(guest_memory_hva(&memory, LOW, 4));
	assert_null(guest_memory_hva_writable(&memory, LOW, 4));
	assert_int_equal(guest_write(&memory, LOW, &byte, 1), -EFAULT);
	assert_int_equal(low[0], 1);
	assert_non_null(guest_memory_hva_writable(&memory, HIGH, 4));
}

static void overlaps_are_refused(void **state)
{
	u8 page[0x1000];

	assert_int_equal(guest_memory_add_buffer(&memory, 0x3000, page, 0x1000), -EINVAL);
	assert_int_equal(guest_memory_add_buffer(&memory, 0x800, page, 0x1000), -EINVAL);
	assert_int_equal(guest_memory_add_buffer(&memory, 0x800, page, 0), -EINVAL);
	assert_int_equal(guest_memory_add_buffer(&memory, UINT64_MAX - 5, page, 0x1000), -EINVAL);
	assert_int_equal(guest_memory_add_ram(&memory, 0x10001, 0x1000), -EINVAL);
	assert_int_equal(guest_memory_add_ram(&memory, 0x10000, 0x1001), -EINVAL);
	assert_int_equal(memory.nr_regions, 3);
	for (int i = 0; i < GUEST_MEMORY_MAX_REGIONS - 3; i++)
		assert_int_equal(
			guest_memory_add_buffer(&memory, 0x10000 + i * 0x1000, page, 0x1000), 0);
	assert_int_equal(guest_memory_add_buffer(&memory, 0x80000, page, 0x1000), -ENOSPC);
}

static void files_go_straight_in(void **state)
{
	int fd = memfd_create("image", 0);

	assert_int_equal(write(fd, "0123456789abcdef", 16), 16);
	assert_int_equal(guest_read_file(&memory, 0x3ffc, fd, 2, 8), 0);
	assert_memory_equal(low + 0x2ffc, "2345", 4);
	assert_memory_equal(next, "6789", 4);
	assert_int_equal(guest_read_file(&memory, LOW, fd, 12, 8), -ENODATA);
	assert_int_equal(guest_read_file(&memory, 0x4ffc, fd, 0, 8), -EFAULT);
	close(fd);
}

static void ram_is_cleared(void **state)
{
	struct guest_memory ram;
	u8 *hva;

	guest_memory_init(&ram);
	assert_int_equal(guest_memory_add_ram(&ram, 0, 0x10000), 0);
	hva = guest_memory_hva(&ram, 0x5000, 1);
	assert_int_equal(*hva, 0);
	*hva = 1;
	assert_int_equal(guest_memory_clear(&ram), 0);
	assert_int_equal(*hva, 0);
	guest_memory_destroy(&ram);
}

/* To the guest's map alone it is not there. */
static void unlisted_ram_is_ram(void **state)
{
	struct guest_memory ram;
	u64 value = 0x55;

	guest_memory_init(&ram);
	assert_int_equal(guest_memory_add_ram(&ram, 0x10000, 0x10000), 0);
	assert_int_equal(guest_memory_add_unlisted(&ram, 0x4000, 0x1000), 0);
	assert_int_equal(guest_memory_add_unlisted(&ram, 0x1f000, 0x1000), -EINVAL);
	assert_true(ram.regions[0].unlisted && !ram.regions[1].unlisted);
	assert_int_equal(guest_write(&ram, 0x4ff8, &value, 8), 0);
	assert_int_equal(guest_memory_clear(&ram), 0);
	assert_int_equal(guest_read(&ram, 0x4ff8, &value, 8), 0);
	assert_int_equal(value, 0);
	guest_memory_destroy(&ram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bounds_of_the_door, setup),
		cmocka_unit_test_setup(addresses_have_a_way_back, setup),
		cmocka_unit_test_setup(copies_span_adjacent_regions, setup),
		cmocka_unit_test_setup(read_only_regions, setup),
		cmocka_unit_test_setup(overlaps_are_refused, setup),
		cmocka_unit_test_setup(files_go_straight_in, setup),
		cmocka_unit_test(ram_is_cleared),
		cmocka_unit_test(unlisted_ram_is_ram),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
