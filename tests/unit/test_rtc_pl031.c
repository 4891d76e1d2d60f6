// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "lkvm/hw/rtc-pl031.h"

#define BASE 0x1010000
#define IRQ  4

#include "rtc_words.h" /* which wants BASE */

#define DR   0x00
#define MR   0x04
#define LR   0x08
#define CR   0x0c
#define IMSC 0x10
#define RIS  0x14
#define MIS  0x18
#define ICR  0x1c

#define NOON 1709208000U /* 2024-02-29 12:00:00 UTC */

static int setup(void **state)
{
	struct vm *vm = test_vm_init();

	frozen = NOON * SECOND + SECOND / 2;
	assert_int_equal(rtc_pl031_create(vm, BASE, IRQ), 0);
	devices_reset(&vm->devices);
	return devices_start(&vm->devices);
}

static void identification(void **state)
{
	static const u8 ids[] = { 0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	u8 byte;

	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(get(0xfe0 + 4 * i), ids[i]);
		assert_true(bus_read(test_vm.vm.mmio, BASE + 0xfe0 + 4 * i, &byte, 1));
		assert_int_equal(byte, ids[i]);
	}
}

static void description(void **state)
{
	const struct device *device = TAILQ_FIRST(&test_vm.vm.devices);
	const struct device_description *d = &device->description;

	assert_int_equal(d->compatible_size, 24);
	assert_string_equal(d->compatible, "arm,pl031");
	assert_string_equal(d->compatible + 10, "arm,primecell");
	assert_string_equal(d->clock_name, "apb_pclk");
	assert_int_equal(d->gsi, IRQ);
	assert_false(d->irq_edge);
	assert_int_equal(rtc_pl031_create(&test_vm.vm, BASE + 0x800, IRQ), -EEXIST);
}

static void shows_the_hosts_time(void **state)
{
	assert_int_equal(get(DR), NOON);
	assert_int_equal(get(CR), 1);
	frozen += SECOND / 2 - 1;
	assert_int_equal(get(DR), NOON);
	frozen += 1;
	assert_int_equal(get(DR), NOON + 1);
}

static void load_is_an_offset(void **state)
{
	set(LR, 1000);
	assert_int_equal(get(DR), 1000);
	assert_int_equal(get(LR), 1000);
	frozen += 5 * SECOND;
	assert_int_equal(get(DR), 1005);
	assert_int_equal(get(LR), 1000);
	/* The time is not lost by a reset, nor can the counter be stopped or written. */
	set(CR, 0);
	set(DR, 7);
	devices_reset(&test_vm.vm.devices);
	frozen += 5 * SECOND;
	assert_int_equal(get(DR), 1010);
	assert_int_equal(get(CR), 1);
}

static void counter_wraps(void **state)
{
	set(LR, 0xffffffff);
	set(MR, 2);
	set(IMSC, 1);
	frozen += SECOND;
	assert_int_equal(get(DR), 0);
	assert_int_equal(get(RIS), 0);
	frozen += 2 * SECOND;
	assert_int_equal(get(DR), 2);
	assert_int_equal(get(MIS), 1);
}

static void match(void **state)
{
	set(MR, NOON + 10);
	assert_int_equal(get(MR), NOON + 10);
	frozen += 9 * SECOND + SECOND / 2 - 1;
	assert_int_equal(get(RIS), 0);
	frozen += 1;
	assert_int_equal(get(RIS), 1);
	/* Masked until the guest wants it. */
	assert_int_equal(get(MIS), 0);
	assert_false(test_vm.level[IRQ]);
	set(IMSC, 1);
	assert_int_equal(get(IMSC), 1);
	assert_int_equal(get(MIS), 1);
	assert_true(test_vm.level[IRQ]);
	/* As kvm-unit-tests does: it is the write that counts. */
	set(ICR, 0x80000000);
	assert_false(test_vm.level[IRQ]);
	assert_int_equal(get(RIS), 0);
	/* Once: the next time would be in 136 years. */
	frozen += 100000 * SECOND;
	assert_int_equal(get(RIS), 0);
	assert_int_equal(test_vm.raised[IRQ], 1);
}

static void match_of_this_second(void **state)
{
	set(IMSC, 1);
	set(MR, NOON);
	assert_true(test_vm.level[IRQ]);
	set(ICR, 1);
	set(MR, NOON - 1);
	assert_false(test_vm.level[IRQ]);
	set(LR, NOON - 1);
	assert_true(test_vm.level[IRQ]);
	set(IMSC, 0);
	assert_false(test_vm.level[IRQ]);
	assert_int_equal(get(RIS), 1);
}

static void hosts_clock_is_set(void **state)
{
	set(IMSC, 1);
	set(MR, NOON + 100);
	/* Back: nothing is due, and the way to the match becomes longer. */
	frozen -= 1000 * SECOND;
	assert_int_equal(get(RIS), 0);
	assert_int_equal(get(DR), NOON - 1000);
	frozen += 1099 * SECOND;
	assert_int_equal(get(RIS), 0);
	/* Over the match: late is better than never. */
	frozen += 50000 * SECOND;
	assert_int_equal(get(RIS), 1);
	assert_true(test_vm.level[IRQ]);
}

/* With the host's real clock: the timer has to come by itself. */
static void alarm_interrupt(void **state)
{
	frozen = 0;
	set(MR, get(DR) + 1);
	set(IMSC, 1);
	for (unsigned i = 0; !test_vm.raised[IRQ]; i++) {
		assert_true(i < 3000);
		turn(1000000);
	}
	assert_true(test_vm.level[IRQ]);
	assert_int_equal(get(DR), get(MR));
	set(ICR, 1);
	assert_false(test_vm.level[IRQ]);
}

static void waits_while_paused(void **state)
{
	frozen = 0;
	set(MR, get(DR) + 1);
	set(IMSC, 1);
	devices_quiesce(&test_vm.vm.devices);
	turn(1100000000);
	assert_int_equal(test_vm.raised[IRQ], 0);
	devices_resume(&test_vm.vm.devices);
	assert_true(test_vm.level[IRQ]);
}

static void reset_takes_the_interrupt_away(void **state)
{
	set(IMSC, 1);
	set(MR, NOON);
	assert_true(test_vm.level[IRQ]);
	devices_reset(&test_vm.vm.devices);
	assert_false(test_vm.level[IRQ]);
	assert_int_equal(get(IMSC), 0);
	assert_int_equal(get(RIS), 0);
	assert_int_equal(get(MR), 0);
	assert_int_equal(get(LR), 0);
}

static void odd_accesses(void **state)
{
	u8 data[8];

	access_oddly(IMSC);
	assert_true(bus_read(test_vm.vm.mmio, BASE + DR, data, 8));
	assert_int_equal(bus_get(data, 8), NOON);
	for (u32 at = 0x20; at < 0xfe0; at += 4) {
		set(at, 0xffffffff);
		assert_int_equal(get(at), 0);
	}
	for (u32 at = 0xfe0; at < 0x1000; at += 4)
		set(at, 0xffffffff);
	assert_int_equal(get(0xfe0), 0x31);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(identification),
		T(description),
		T(shows_the_hosts_time),
		T(load_is_an_offset),
		T(counter_wraps),
		T(match),
		T(match_of_this_second),
		T(hosts_clock_is_set),
		T(alarm_interrupt),
		T(waits_while_paused),
		T(reset_takes_the_interrupt_away),
		T(odd_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
