// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "lkvm/hw/rtc-goldfish.h"

#define BASE 0x10010000
#define IRQ  5

#include "rtc_words.h" /* which wants BASE */

#define TIME_LOW	0x00
#define TIME_HIGH	0x04
#define ALARM_LOW	0x08
#define ALARM_HIGH	0x0c
#define IRQ_ENABLED	0x10
#define CLEAR_ALARM	0x14
#define ALARM_STATUS	0x18
#define CLEAR_INTERRUPT 0x1c

#define NOON (1709208000 * SECOND) /* 2024-02-29 12:00:00 UTC */

/* In the order that the registers want. */
static s64 get_time(void)
{
	u32 low = get(TIME_LOW);

	return (u64)get(TIME_HIGH) << 32 | low;
}

static void set_time(s64 time)
{
	set(TIME_HIGH, time >> 32);
	set(TIME_LOW, time);
}

static void set_alarm(s64 time)
{
	set(ALARM_HIGH, time >> 32);
	set(ALARM_LOW, time);
}

static int setup(void **state)
{
	struct vm *vm = test_vm_init();

	frozen = NOON + 12345;
	assert_int_equal(rtc_goldfish_create(vm, BASE, IRQ), 0);
	devices_reset(&vm->devices);
	return devices_start(&vm->devices);
}

static void description(void **state)
{
	const struct device *device = TAILQ_FIRST(&test_vm.vm.devices);
	const struct device_description *d = &device->description;

	assert_string_equal(d->compatible, "google,goldfish-rtc");
	assert_int_equal(d->gsi, IRQ);
	assert_false(d->irq_edge);
	assert_int_equal(rtc_goldfish_create(&test_vm.vm, BASE + 0x800, IRQ), -EEXIST);
}

static void shows_the_hosts_time(void **state)
{
	assert_true(get_time() == NOON + 12345);
	/* The high word belongs to the low one that was read. */
	frozen = (1LL << 40) - 1;
	assert_int_equal(get(TIME_LOW), 0xffffffff);
	frozen += 1;
	assert_int_equal(get(TIME_HIGH), 0xff);
	assert_true(get_time() == 1LL << 40);
}

static void can_be_set(void **state)
{
	set_time(1000 * SECOND + 7);
	assert_true(get_time() == 1000 * SECOND + 7);
	frozen += 5 * SECOND;
	assert_true(get_time() == 1005 * SECOND + 7);
	/* The time is not lost by a reset. */
	devices_reset(&test_vm.vm.devices);
	frozen += 5 * SECOND;
	assert_true(get_time() == 1010 * SECOND + 7);
}

static void alarm_is_armed_and_cleared(void **state)
{
	assert_int_equal(get(ALARM_STATUS), 0);
	set(IRQ_ENABLED, 1);
	set_alarm(frozen + SECOND);
	assert_int_equal(get(ALARM_STATUS), 1);
	assert_int_equal(get(ALARM_LOW), (u32)(frozen + SECOND));
	assert_int_equal(get(ALARM_HIGH), (u32)((frozen + SECOND) >> 32));
	set(CLEAR_ALARM, 1);
	assert_int_equal(get(ALARM_STATUS), 0);
	frozen += 2 * SECOND;
	assert_int_equal(get(ALARM_STATUS), 0);
	assert_false(test_vm.level[IRQ]);
}

static void alarm_goes_off_once(void **state)
{
	set_alarm(frozen + SECOND);
	frozen += SECOND;
	assert_int_equal(get(ALARM_STATUS), 0);
	/* Masked until the guest wants it. */
	assert_false(test_vm.level[IRQ]);
	set(IRQ_ENABLED, 1);
	assert_true(test_vm.level[IRQ]);
	set(CLEAR_INTERRUPT, 1);
	assert_false(test_vm.level[IRQ]);
	frozen += 1000 * SECOND;
	assert_int_equal(get(ALARM_STATUS), 0);
	assert_int_equal(test_vm.raised[IRQ], 1);
}

/* What is past is due now; what is far away, in a clock of 584 years, never is. */
static void alarms_at_the_edges(void **state)
{
	set(IRQ_ENABLED, 1);
	set_alarm(1);
	assert_true(test_vm.level[IRQ]);
	set(CLEAR_INTERRUPT, 1);
	set_alarm(-1);
	assert_int_equal(get(ALARM_STATUS), 1);
	assert_false(test_vm.level[IRQ]);
	set_time(-2);
	assert_int_equal(get(ALARM_STATUS), 1);
	frozen += 1;
	assert_int_equal(get(ALARM_STATUS), 0);
	assert_true(test_vm.level[IRQ]);
}

/* With the host's real clock: the timer has to come by itself. */
static void alarm_interrupt(void **state)
{
	frozen = 0;
	set(IRQ_ENABLED, 1);
	set_alarm(get_time() + SECOND / 10);
	for (unsigned i = 0; !test_vm.raised[IRQ]; i++) {
		assert_true(i < 3000);
		turn(1000000);
	}
	assert_true(test_vm.level[IRQ]);
}

static void waits_while_paused(void **state)
{
	frozen = 0;
	set(IRQ_ENABLED, 1);
	set_alarm(get_time() + SECOND / 10);
	devices_quiesce(&test_vm.vm.devices);
	turn(200000000);
	assert_int_equal(test_vm.raised[IRQ], 0);
	devices_resume(&test_vm.vm.devices);
	assert_true(test_vm.level[IRQ]);
}

static void reset_takes_the_interrupt_away(void **state)
{
	set(IRQ_ENABLED, 1);
	set_alarm(1);
	assert_true(test_vm.level[IRQ]);
	devices_reset(&test_vm.vm.devices);
	assert_false(test_vm.level[IRQ]);
	assert_int_equal(get(IRQ_ENABLED), 0);
	assert_int_equal(get(ALARM_LOW), 0);
	assert_int_equal(get(ALARM_HIGH), 0);
}

static void odd_accesses(void **state)
{
	access_oddly(IRQ_ENABLED);
	for (u32 at = 0x20; at < 0x1000; at += 4) {
		set(at, 0xffffffff);
		assert_int_equal(get(at), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(description),
		T(shows_the_hosts_time),
		T(can_be_set),
		T(alarm_is_armed_and_cleared),
		T(alarm_goes_off_once),
		T(alarms_at_the_edges),
		T(alarm_interrupt),
		T(waits_while_paused),
		T(reset_takes_the_interrupt_away),
		T(odd_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
