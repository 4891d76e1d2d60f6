// SPDX-License-Identifier: GPL-2.0-or-later
/* ACPI's fixed hardware from the guest's side of the ports. */
#include "test.h"
#include <errno.h>
#include <time.h>

#include "tables/acpi.h"
#include "hw_vm.h"
#include "x86-vm.h"

#define SCI	9
#define PORT	0x600
#define STATUS	(PORT + 0)
#define ENABLE	(PORT + 2)
#define CONTROL (PORT + 4)
#define TIMER	(PORT + 8)
#define RESET	(PORT + 12)

#define LOCK   0x0020
#define BUTTON 0x0100
#define RTC    0x0400

static struct timespec now;
static struct arch_vm x86;
static struct irq_line alarm_line;

/* In place of the C library's. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
	*time = now;
	return 0;
}

static u32 get(u16 port, unsigned len)
{
	u8 data[4];

	bus_read(test_vm.vm.ports, port, data, len);
	return bus_get(data, len);
}

static void put(u16 port, unsigned len, u32 value)
{
	u8 data[4];

	bus_put(data, len, value);
	bus_write(test_vm.vm.ports, port, data, len);
}

static void make(int sci)
{
	struct vm *vm = test_vm_init();

	vm->arch = &x86;
	assert_int_equal(acpi_pm_create(vm, PORT, sci, &alarm_line), 0);
	devices_reset(&vm->devices);
	assert_int_equal(devices_start(&vm->devices), 0);
}

static int setup(void **state)
{
	make(SCI);
	return 0;
}

static int teardown(void **state)
{
	test_vm_exit();
	return 0;
}

static int press(void)
{
	return test_vm.vm.power_button(&test_vm.vm);
}

static void ring(void)
{
	irq_line_set(&alarm_line, true);
	irq_line_set(&alarm_line, false);
}

static void begins_quiet_in_acpi_mode(void **state)
{
	assert_int_equal(get(STATUS, 4), 0);
	assert_int_equal(get(CONTROL, 2), 1);
	assert_false(test_vm.level[SCI]);
	/* It cannot be left. */
	put(CONTROL, 2, 0);
	assert_int_equal(get(CONTROL, 2), 1);
}

static void only_events_that_there_are_can_be_enabled(void **state)
{
	put(ENABLE, 2, 0xffff);
	assert_int_equal(get(ENABLE, 2), LOCK | BUTTON | RTC);
	assert_int_equal(get(ENABLE + 1, 1), 5);
	put(ENABLE + 1, 1, 1);
	assert_int_equal(get(ENABLE, 2), LOCK | BUTTON);
	/* Both registers in one access. */
	put(STATUS, 4, RTC << 16);
	assert_int_equal(get(STATUS, 4), RTC << 16);
}

static void the_button_interrupts_who_listens(void **state)
{
	assert_int_equal(press(), -EAGAIN);
	assert_int_equal(get(STATUS, 2), 0);
	put(ENABLE, 2, BUTTON);
	assert_false(test_vm.level[SCI]);
	assert_int_equal(press(), 0);
	assert_true(test_vm.level[SCI]);
	assert_int_equal(get(STATUS, 2), BUTTON);
	assert_int_equal(press(), 0);
	assert_int_equal(test_vm.raised[SCI], 1);
	/* Writing a one clears; other bits stay. */
	put(STATUS, 2, RTC);
	assert_true(test_vm.level[SCI]);
	put(STATUS, 2, BUTTON);
	assert_false(test_vm.level[SCI]);
	assert_int_equal(get(STATUS, 2), 0);
	assert_int_equal(press(), 0);
	assert_int_equal(test_vm.raised[SCI], 2);
}

static void the_alarm_is_an_event(void **state)
{
	ring();
	assert_int_equal(get(STATUS, 2), RTC);
	assert_false(test_vm.level[SCI]);
	/* It was there before anybody wanted to know. */
	put(ENABLE, 2, RTC);
	assert_true(test_vm.level[SCI]);
	put(ENABLE, 2, BUTTON);
	assert_false(test_vm.level[SCI]);
	put(STATUS, 2, RTC);
	put(ENABLE, 2, RTC);
	assert_false(test_vm.level[SCI]);
	ring();
	assert_true(test_vm.level[SCI]);
}

static void nothing_interrupts_while_it_stands_still(void **state)
{
	put(ENABLE, 2, BUTTON | RTC);
	devices_quiesce(&test_vm.vm.devices);
	assert_int_equal(press(), 0);
	ring();
	assert_false(test_vm.level[SCI]);
	devices_resume(&test_vm.vm.devices);
	assert_true(test_vm.level[SCI]);
	assert_int_equal(get(STATUS, 2), BUTTON | RTC);
}

static void a_reset_forgets_events(void **state)
{
	put(ENABLE, 2, BUTTON);
	put(CONTROL, 2, 3 << 10);
	assert_int_equal(press(), 0);
	devices_quiesce(&test_vm.vm.devices);
	devices_reset(&test_vm.vm.devices);
	assert_false(test_vm.level[SCI]);
	devices_resume(&test_vm.vm.devices);
	assert_int_equal(get(STATUS, 4), 0);
	assert_int_equal(get(CONTROL, 2), 1);
	assert_int_equal(press(), -EAGAIN);
}

static void sleeping_ends_the_guest(void **state)
{
	put(CONTROL, 2, 1);
	put(CONTROL, 2, 0x2000 | 1 << 10); /* another sleep than the one there is */
	put(CONTROL, 1, 0x20);
	assert_int_equal(test_vm.requests, 0);
	/* As Linux does it: the kind first, then the command. Only the kind is kept. */
	put(CONTROL, 2, 0);
	put(CONTROL, 2, 0x2000);
	assert_int_equal(test_vm.requests, 1U << VM_REQUEST_POWEROFF);
	assert_int_equal(get(CONTROL, 2), 1);
}

static void one_byte_resets(void **state)
{
	put(RESET, 1, 0);
	put(RESET, 1, 6);
	assert_int_equal(test_vm.requests, 0);
	put(RESET, 1, 1);
	assert_int_equal(test_vm.requests, 1U << VM_REQUEST_REBOOT);
}

static void the_timer_counts(void **state)
{
	u32 before;

	now = (struct timespec){ .tv_sec = 1000 };
	before = get(TIMER, 4);
	assert_int_equal(before, 1000ULL * 3579545 & 0xffffff);
	now.tv_nsec = 1000000;
	assert_int_equal((get(TIMER, 4) - before) & 0xffffff, 3579);
	assert_int_equal(get(TIMER + 2, 1), get(TIMER, 4) >> 16);
	/* Years later it fits too. */
	now = (struct timespec){ .tv_sec = 1LL << 33, .tv_nsec = 999999999 };
	assert_true(get(TIMER, 4) <= 0xffffff);
	put(TIMER, 4, 0);
	assert_int_equal(test_vm.requests, 0);
}

static void without_acpi(void **state)
{
	make(-1);
	assert_null(test_vm.vm.power_button);
	put(ENABLE, 2, RTC);
	ring();
	for (unsigned gsi = 0; gsi < 16; gsi++)
		assert_false(test_vm.level[gsi]);
	test_vm_exit();
}

static void ports_that_are_taken(void **state)
{
	assert_int_equal(acpi_pm_create(&test_vm.vm, PORT + 8, SCI, &alarm_line), -EEXIST);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(begins_quiet_in_acpi_mode),
		T(only_events_that_there_are_can_be_enabled),
		T(the_button_interrupts_who_listens),
		T(the_alarm_is_an_event),
		T(nothing_interrupts_while_it_stands_still),
		T(a_reset_forgets_events),
		T(sleeping_ends_the_guest),
		T(one_byte_resets),
		T(the_timer_counts),
		cmocka_unit_test(without_acpi),
		T(ports_that_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
