// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "test.h"
#include "hw_vm.h"
#include "lkvm/hw/i8042.h"
#include "lkvm/hw/pvpanic.h"

#define DATA	     0x60
#define STATUS	     0x64
#define OBF	     0x01
#define IBF	     0x02
#define KEYLOCK	     0x10
#define AUX_DATA     0x20
#define TIMED_OUT    0x40
#define PVPANIC	     0x505
#define NO_ANSWER    (-1)
#define KEYBOARD_IRQ 1

static int setup(void **state)
{
	struct vm *vm = test_vm_init();

	assert_int_equal(i8042_create(vm), 0);
	assert_int_equal(pvpanic_create(vm, RESOURCE_PORT, PVPANIC), 0);
	devices_reset(&vm->devices);
	return devices_start(&vm->devices);
}

static int teardown(void **state)
{
	test_vm_exit();
	return 0;
}

static void command(u8 cmd)
{
	assert_false(in8(STATUS) & IBF);
	out8(STATUS, cmd);
}

static int answer(void)
{
	if (!(in8(STATUS) & OBF))
		return NO_ANSWER;
	return in8(DATA);
}

static bool rebooted(void)
{
	bool asked = test_vm.requests & (1u << VM_REQUEST_REBOOT);

	test_vm.requests = 0;
	return asked;
}

/* What Linux's driver does on a machine without ACPI: every question is answered at once. */
static void probe_waits_for_nothing(void **state)
{
	int ctr;

	/* Nothing to flush, no keylock warning. */
	assert_int_equal(in8(STATUS) & (OBF | IBF), 0);
	assert_int_equal(in8(STATUS) & KEYLOCK, KEYLOCK);
	command(0x20);
	ctr = answer();
	assert_true(ctr >= 0);
	command(0x20);
	assert_int_equal(answer(), ctr);
	command(0x60);
	out8(DATA, 0x10);
	command(0x20);
	assert_int_equal(answer(), 0x10);
	command(0xaa);
	assert_int_equal(answer(), 0x55);
	/* Is there a mouse port? The byte does not come back as the mouse's. */
	command(0xd3);
	out8(DATA, 0x5a);
	assert_int_equal(in8(STATUS) & (OBF | AUX_DATA), OBF);
	assert_int_equal(answer(), 0x5a);
	command(0xa9);
	assert_int_equal(answer(), 0x01);
	assert_int_equal(answer(), NO_ANSWER);
}

/* What is sent to a keyboard that is not there ends in an error, by interrupt where that is on. */
static void keyboard_is_missing(void **state)
{
	out8(DATA, 0xf2);
	assert_int_equal(in8(STATUS) & (OBF | TIMED_OUT), OBF | TIMED_OUT);
	assert_false(test_vm.level[KEYBOARD_IRQ]);
	assert_int_equal(answer(), 0xfe);
	assert_int_equal(in8(STATUS) & (OBF | TIMED_OUT), 0);
	command(0x60);
	out8(DATA, 0x01);
	out8(DATA, 0xf2);
	assert_true(test_vm.level[KEYBOARD_IRQ]);
	assert_int_equal(answer(), 0xfe);
	assert_false(test_vm.level[KEYBOARD_IRQ]);
	command(0xd4);
	out8(DATA, 0xf2);
	assert_int_equal(in8(STATUS) & (OBF | AUX_DATA | TIMED_OUT), OBF | AUX_DATA | TIMED_OUT);
	assert_false(test_vm.level[KEYBOARD_IRQ]);
	answer();
	/* A reset takes the line down. */
	out8(DATA, 0xff);
	assert_true(test_vm.level[KEYBOARD_IRQ]);
	devices_reset(&test_vm.vm.devices);
	assert_false(test_vm.level[KEYBOARD_IRQ]);
	assert_int_equal(answer(), NO_ANSWER);
}

static void reset_pulse(void **state)
{
	for (unsigned cmd = 0; cmd < 256; cmd++) {
		command(cmd);
		assert_int_equal(rebooted(), cmd >= 0xf0 && !(cmd & 1));
		answer();
	}
	command(0xd1);
	out8(DATA, 0x03);
	assert_false(rebooted());
	command(0xd1);
	out8(DATA, 0x02);
	assert_true(rebooted());
	/* The byte belonged to that command only. */
	out8(DATA, 0x02);
	assert_false(rebooted());
	command(0xd0);
	assert_int_equal(answer() & 1, 1);
}

static void takes_its_ports(void **state)
{
	u8 wide[4] = { 0 };

	assert_int_equal(i8042_create(&test_vm.vm), -EEXIST);
	assert_false(bus_read(test_vm.vm.ports, DATA, wide, 2));
	assert_false(bus_write(test_vm.vm.ports, STATUS, wide, 2));
}

static void pvpanic(void **state)
{
	assert_int_equal(in8(PVPANIC), 3);
	out8(PVPANIC, 2);
	out8(PVPANIC, 0xfc);
	assert_int_equal(test_vm.requests, 0);
	out8(PVPANIC, 1);
	assert_int_equal(test_vm.requests, 1u << VM_REQUEST_PANIC);
	assert_int_equal(pvpanic_create(&test_vm.vm, RESOURCE_PORT, PVPANIC), -EEXIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(probe_waits_for_nothing),
		T(keyboard_is_missing),
		T(reset_pulse),
		T(takes_its_ports),
		T(pvpanic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
