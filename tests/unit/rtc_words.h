/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests of clocks whose registers are words: the includer defines BASE, in MMIO. */
#ifndef TEST_RTC_WORDS_H
#define TEST_RTC_WORDS_H

#include "test.h"
#include "frozen_clock.h"

static inline u32 get(u32 reg)
{
	u8 data[4];

	assert_true(bus_read(test_vm.vm.mmio, BASE + reg, data, 4));
	return bus_get(data, 4);
}

static inline void set(u32 reg, u32 value)
{
	u8 data[4];

	bus_put(data, 4, value);
	assert_true(bus_write(test_vm.vm.mmio, BASE + reg, data, 4));
}

/* Any access is taken, and one that is not of a whole word, here at `reg`, changes nothing. */
static inline void access_oddly(u32 reg)
{
	u8 data[8];

	memset(data, 0xff, sizeof(data));
	for (unsigned len = 1; len <= 8; len++)
		for (u64 at = 0; at < 0x40; at++)
			assert_true(bus_read(test_vm.vm.mmio, BASE + at, data, len));
	memset(data, 0xff, sizeof(data));
	assert_true(bus_write(test_vm.vm.mmio, BASE + reg + 1, data, 4));
	assert_int_equal(get(reg), 0);
}

static inline int teardown(void **state)
{
	test_vm_exit();
	frozen = 0;
	return 0;
}

#endif
