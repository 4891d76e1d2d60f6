// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"
#include "frozen_clock.h"
#include "lkvm/hw/rtc-cmos.h"

#define IRQ 8

#define A      10
#define B      11
#define C      12
#define D      13
#define SET    0x80
#define PIE    0x40
#define AIE    0x20
#define UIE    0x10
#define BINARY 0x04
#define H24    0x02
#define UIP    0x80

/* 2024-02-28 23:59:58 UTC, a Wednesday. */
#define LEAP_EVE (1709164798LL * 1000000000)

static unsigned wakes;
static bool wake_level;

static void wake_set(void *opaque, unsigned gsi, bool level)
{
	wakes += level && !wake_level;
	wake_level = level;
}

static const struct irq_line wake = { .set = wake_set };

static u8 get(u8 reg)
{
	out8(0x70, reg);
	return in8(0x71);
}

static void set(u8 reg, u8 value)
{
	out8(0x70, reg);
	out8(0x71, value);
}

static void pass(s64 ns)
{
	frozen += ns;
}

static int setup(void **state)
{
	static u8 ram[1];
	struct vm *vm = test_vm_init();

	/* 3 GiB below the hole and 5 GiB above; nothing touches the memory itself. */
	assert_int_equal(guest_memory_add_buffer(&vm->memory, 0, ram, GIB(3)), 0);
	assert_int_equal(guest_memory_add_buffer(&vm->memory, GIB(4), ram, GIB(5)), 0);
	frozen = LEAP_EVE;
	assert_int_equal(rtc_cmos_create(vm, RESOURCE_PORT, 0x70, IRQ, &wake), 0);
	devices_reset(&vm->devices);
	return devices_start(&vm->devices);
}

static int teardown(void **state)
{
	test_vm_exit();
	frozen = 0;
	return 0;
}

static void expect_time(unsigned century, unsigned year, unsigned month, unsigned day,
			unsigned weekday, unsigned hour, unsigned minute, unsigned second)
{
	assert_int_equal(get(0x32), century);
	assert_int_equal(get(9), year);
	assert_int_equal(get(8), month);
	assert_int_equal(get(7), day);
	assert_int_equal(get(6), weekday);
	assert_int_equal(get(4), hour);
	assert_int_equal(get(2), minute);
	assert_int_equal(get(0), second);
}

static void shows_the_hosts_time(void **state)
{
	expect_time(0x20, 0x24, 0x02, 0x28, 4, 0x23, 0x59, 0x58);
	pass(2000000000);
	expect_time(0x20, 0x24, 0x02, 0x29, 5, 0x00, 0x00, 0x00);
	assert_int_equal(get(D), 0x80);
}

static void formats(void **state)
{
	set(B, H24 | BINARY);
	expect_time(20, 24, 2, 28, 4, 23, 59, 58);
	set(B, BINARY);
	assert_int_equal(get(4), 0x80 | 11);
	set(B, 0);
	assert_int_equal(get(4), 0x80 | 0x11);
	pass(2000000000);
	assert_int_equal(get(4), 0x12); /* midnight is 12 am */
	pass(12 * 3600 * 1000000000LL);
	assert_int_equal(get(4), 0x80 | 0x12);
}

static void update_in_progress(void **state)
{
	assert_int_equal(get(A), 0x26);
	pass(1000000000 - 244001);
	assert_int_equal(get(A) & UIP, 0);
	pass(1);
	assert_int_equal(get(A) & UIP, UIP);
	pass(243999);
	assert_int_equal(get(A) & UIP, UIP);
	assert_int_equal(get(0), 0x58);
	pass(1);
	assert_int_equal(get(A) & UIP, 0);
	assert_int_equal(get(0), 0x59);
	/* Not while the guest sets the time. */
	set(B, H24 | SET);
	pass(999999999);
	assert_int_equal(get(A) & UIP, 0);
}

/* As Linux does it: SET, divider held, bytes, SET off, divider let go. */
static void set_as_linux_does(u8 hour, u8 minute, u8 second)
{
	set(B, get(B) | SET);
	set(A, 0x70);
	set(0x32, 0x20);
	set(9, 0x31);
	set(8, 0x12);
	set(7, 0x31);
	set(4, hour);
	set(2, minute);
	set(0, second);
	set(B, get(B) & ~SET);
	set(A, 0x26);
}

static void setting_keeps_an_offset(void **state)
{
	set_as_linux_does(0x23, 0x59, 0x58);
	expect_time(0x20, 0x31, 0x12, 0x31, 4, 0x23, 0x59, 0x58);
	/* The first second after the divider was let go is half a second long. */
	pass(499999999);
	assert_int_equal(get(0), 0x58);
	pass(1);
	assert_int_equal(get(0), 0x59);
	pass(1000000000);
	expect_time(0x20, 0x32, 0x01, 0x01, 5, 0x00, 0x00, 0x00);
	/* The battery keeps it over a reset. */
	devices_reset(&test_vm.vm.devices);
	expect_time(0x20, 0x32, 0x01, 0x01, 5, 0x00, 0x00, 0x00);
}

static void stands_while_set(void **state)
{
	set(B, H24 | SET);
	pass(5000000000);
	assert_int_equal(get(0), 0x58);
	set(0, 0x10);
	assert_int_equal(get(0), 0x10);
	set(B, H24);
	assert_int_equal(get(0), 0x10);
	pass(1000000000);
	assert_int_equal(get(0), 0x11);
}

static void single_bytes_count_at_once(void **state)
{
	pass(300000000);
	set(2, 0x07);
	expect_time(0x20, 0x24, 0x02, 0x28, 4, 0x23, 0x07, 0x58);
	pass(700000000);
	assert_int_equal(get(0), 0x59);
}

static void nonsense_is_survived(void **state)
{
	for (unsigned format = 0; format < 8; format += 2) {
		set(B, SET | format);
		for (unsigned reg = 0; reg < 10; reg++)
			set(reg, 0xff);
		set(0x32, 0xff);
		set(B, format);
		for (unsigned reg = 0; reg < 128; reg++)
			get(reg);
		set(B, SET | format);
		for (unsigned reg = 0; reg < 10; reg++)
			set(reg, 0);
		set(0x32, 0);
		set(B, format | AIE | UIE | PIE);
		for (unsigned reg = 0; reg < 128; reg++)
			get(reg);
	}
}

/* Between the two looks that reading register C takes: its interrupt is an edge, so the line must have been low. */
static void tick_while_c_is_read(void **state)
{
	unsigned raised;

	set(B, H24 | PIE); /* 1024 Hz */
	get(C);
	raised = test_vm.raised[IRQ];
	pass(1000000);
	frozen_step = 1000000;
	get(C);
	frozen_step = 0;
	assert_int_equal(test_vm.raised[IRQ], raised + 2);
	assert_true(test_vm.level[IRQ]);
}

static void update_flag(void **state)
{
	assert_int_equal(get(C), 0);
	pass(1000000000);
	/* The periodic flag counts too, enabled or not. */
	assert_int_equal(get(C), 0x50);
	assert_int_equal(get(C), 0);
	set(A, 0x20);
	set(5, 0x25); /* midnight is near, and what the alarm stands at */
	pass(1000000000);
	assert_int_equal(get(C), 0x10);
	assert_int_equal(test_vm.raised[IRQ], 0);
}

static void alarm_flag(void **state)
{
	set(5, 0x00);
	set(3, 0x00);
	set(1, 0x01);
	pass(2000000000);
	assert_int_equal(get(C) & 0x20, 0);
	pass(1000000000);
	assert_int_equal(get(C) & 0x20, 0x20);
	/* Not again before tomorrow. */
	pass(86399 * 1000000000LL);
	assert_int_equal(get(C) & 0x20, 0);
	pass(1000000000);
	assert_int_equal(get(C) & 0x20, 0x20);
	/* Any hour, any minute, second 1. */
	set(5, 0xff);
	set(3, 0xc0);
	pass(59000000000);
	assert_int_equal(get(C) & 0x20, 0);
	pass(1000000000);
	assert_int_equal(get(C) & 0x20, 0x20);
	/* An hour that does not exist never comes. */
	set(5, 0x25);
	pass(86400 * 3 * 1000000000LL);
	assert_int_equal(get(C) & 0x20, 0);
}

static void alarm_at_any_second_of_the_day(void **state)
{
	srand(1);
	for (unsigned i = 0; i < 200; i++) {
		unsigned second = rand() % 86400, now = (LEAP_EVE / 1000000000) % 86400;
		s64 wait = second > now ? second - now : second + 86400 - now;

		frozen = LEAP_EVE;
		set(B, H24 | BINARY);
		set(5, second / 3600);
		set(3, second / 60 % 60);
		set(1, second % 60);
		get(C);
		frozen = LEAP_EVE + (wait - 1) * 1000000000 + 999999999;
		assert_int_equal(get(C) & 0x20, 0);
		frozen++;
		assert_int_equal(get(C) & 0x20, 0x20);
	}
}

static void until_raised(unsigned times)
{
	for (unsigned i = 0; test_vm.raised[IRQ] < times; i++) {
		assert_true(i < 3000);
		turn(1000000);
	}
}

static void periodic_interrupt(void **state)
{
	unsigned raised;

	frozen = 0;
	get(C);
	set(B, H24 | PIE); /* 1024 Hz */
	for (unsigned i = 1; i <= 5; i++) {
		until_raised(i);
		assert_true(test_vm.level[IRQ]);
		assert_int_equal(get(C) & 0xc0, 0xc0);
		assert_false(test_vm.level[IRQ]);
	}
	/* Off means off, and a reset switches it off. */
	set(B, H24);
	get(C);
	raised = test_vm.raised[IRQ];
	usleep(3000);
	until_raised(raised);
	assert_int_equal(test_vm.raised[IRQ], raised);
	set(B, H24 | PIE);
	until_raised(raised + 1);
	devices_reset(&test_vm.vm.devices);
	assert_false(test_vm.level[IRQ]);
	assert_int_equal(get(B) & PIE, 0);
}

/* What wakes the machine sees each interrupt as often as the interrupt controller does. */
static void interrupts_wake(void **state)
{
	unsigned before = wakes;

	set(1, 0x05);
	set(3, 0x00);
	set(5, 0x00);
	set(B, H24 | AIE);
	assert_int_equal(wakes, before);
	pass(7000000000);
	assert_int_equal(get(C) & 0xa0, 0xa0);
	assert_int_equal(wakes, before + 1);
	assert_false(wake_level);
	assert_int_equal(test_vm.raised[IRQ], 1);
}

static void alarm_and_update_interrupts(void **state)
{
	frozen = 0;
	set_as_linux_does(0x23, 0x59, 0x59);
	set(5, 0);
	set(3, 0);
	set(1, 0);
	get(C);
	set(B, H24 | AIE | UIE);
	assert_int_equal(test_vm.raised[IRQ], 0);
	until_raised(1); /* half a second */
	assert_int_equal(get(C) & 0xb0, 0xb0);
	assert_false(test_vm.level[IRQ]);
	expect_time(0x20, 0x32, 0x01, 0x01, 5, 0x00, 0x00, 0x00);
}

static void enabling_a_pending_one_raises_it(void **state)
{
	pass(1000000000);
	set(B, H24 | UIE);
	assert_true(test_vm.level[IRQ]);
	set(B, H24);
	assert_false(test_vm.level[IRQ]);
}

static void memory_sizes_and_ram(void **state)
{
	assert_int_equal(get(0x15) | get(0x16) << 8, 640);
	assert_int_equal(get(0x17) | get(0x18) << 8, 65535);
	assert_int_equal(get(0x30) | get(0x31) << 8, 65535);
	assert_int_equal(get(0x34) | get(0x35) << 8, (GIB(3) - MIB(16)) >> 16);
	assert_int_equal(get(0x5b) | get(0x5c) << 8 | get(0x5d) << 16, GIB(5) >> 16);
	set(0x0f, 0x0a);
	set(0x7f, 0x55);
	/* Bit 7 of the index is not a part of it. */
	assert_int_equal(get(0x8f), 0x0a);
	assert_int_equal(get(0x7f), 0x55);
	assert_int_equal(in8(0x70), 0xff);
}

static void wide_access_is_index_and_data(void **state)
{
	u8 word[2] = { 0x40, 0x99 };

	assert_true(bus_write(test_vm.vm.ports, 0x70, word, 2));
	assert_int_equal(get(0x40), 0x99);
	assert_true(bus_read(test_vm.vm.ports, 0x70, word, 2));
	assert_int_equal(word[0], 0xff);
	assert_int_equal(word[1], 0x99);
	assert_int_equal(rtc_cmos_create(&test_vm.vm, RESOURCE_PORT, 0x70, IRQ, NULL), -EEXIST);
}

static void waits_while_paused(void **state)
{
	frozen = 0;
	devices_quiesce(&test_vm.vm.devices);
	set(B, H24 | PIE);
	usleep(3000);
	turn(2000000);
	assert_int_equal(test_vm.raised[IRQ], 0);
	devices_resume(&test_vm.vm.devices);
	until_raised(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(shows_the_hosts_time),
		T(formats),
		T(update_in_progress),
		T(setting_keeps_an_offset),
		T(stands_while_set),
		T(single_bytes_count_at_once),
		T(nonsense_is_survived),
		T(tick_while_c_is_read),
		T(update_flag),
		T(alarm_flag),
		T(alarm_at_any_second_of_the_day),
		T(periodic_interrupt),
		T(alarm_and_update_interrupts),
		T(interrupts_wake),
		T(enabling_a_pending_one_raises_it),
		T(memory_sizes_and_ram),
		T(wide_access_is_index_and_data),
		T(waits_while_paused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
