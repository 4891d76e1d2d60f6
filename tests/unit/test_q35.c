// SPDX-License-Identifier: GPL-2.0-or-later
/* What a firmware touches of a q35 board, and the files that it is started from. */
#include "test.h"
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "board.h"
#include "fake_vm.h"
#include "firmware.h"
#include "kernel_file.h"
#include "q35.h"

static enum vm_request requested;
static struct timespec now;

/* In place of lkvm's and the C library's. */
void vm_request(struct vm *vm, enum vm_request request)
{
	requested = request;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	*time = now;
	return 0;
}

static struct vm *make(void)
{
	struct vm *vm = fake_vm_create();

	requested = VM_REQUEST_NONE;
	assert_int_equal(pci_host_create(vm, &fake_board), 0);
	assert_int_equal(q35_create(vm), 0);
	assert_int_equal(pci_assign_bars(vm->pci), 0);
	return vm;
}

static void the_bridge_leads_to_power_management(void **state)
{
	struct vm *vm = make();

	assert_int_equal(cfg_get(vm, 31, 0, 4), 0x29188086);
	assert_int_equal(cfg_get(vm, 31, 9, 2), 0x0100); /* an ISA bridge */
	assert_int_equal(cfg_get(vm, 31, 0x40, 4), 0x601);
	assert_int_equal(cfg_get(vm, 31, 0x44, 1) & 0x80, 0x80);
	cfg_put(vm, 31, 0x40, 4, 0xb001);
	assert_int_equal(cfg_get(vm, 31, 0x40, 4), 0x601);
	cfg_put(vm, 31, 4, 2, 7);
	assert_int_equal(cfg_get(vm, 31, 4, 2) & 1, 1);
	fake_vm_destroy(vm);
}

static void the_timer_counts(void **state)
{
	struct vm *vm = make();
	u32 before;

	now = (struct timespec){ .tv_sec = 1000 };
	before = port_get(vm, 0x608, 4);
	assert_int_equal(before, 1000ULL * 3579545 & 0xffffff);
	now.tv_nsec = 1000000;
	assert_int_equal((port_get(vm, 0x608, 4) - before) & 0xffffff, 3579);
	assert_int_equal(port_get(vm, 0x60a, 1), port_get(vm, 0x608, 4) >> 16);
	/* Years later it fits too. */
	now = (struct timespec){ .tv_sec = 1LL << 33, .tv_nsec = 999999999 };
	assert_true(port_get(vm, 0x608, 4) <= 0xffffff);
	port_put(vm, 0x608, 4, 0);
	fake_vm_destroy(vm);
}

static void sleeping_ends_the_guest(void **state)
{
	struct vm *vm = make();

	assert_int_equal(port_get(vm, 0x604, 2), 1);
	port_put(vm, 0x604, 2, 1);
	port_put(vm, 0x604, 2, 0x2000 | 1 << 10); /* another sleep than the one there is */
	port_put(vm, 0x605, 1, 0x20);
	assert_int_equal(requested, VM_REQUEST_NONE);
	port_put(vm, 0x604, 2, 0x2001);
	assert_int_equal(requested, VM_REQUEST_POWEROFF);
	fake_vm_destroy(vm);
}

static void files(void **state)
{
	static u8 bytes[8192];
	struct memory_file good = memory_file(bytes, 8192), odd = memory_file(bytes, 5000);
	struct x86_firmware firmware = { 0 };
	struct vm_config config = { 0 };

	assert_int_equal(x86_firmware_open(&firmware, &config), 0);
	assert_null(firmware.image.path);
	config.firmware = odd.path;
	assert_int_equal(x86_firmware_open(&firmware, &config), -EINVAL);
	x86_firmware_close(&firmware);
	firmware = (struct x86_firmware){ 0 };
	config.firmware = good.path;
	config.kernel = odd.path;
	assert_int_equal(x86_firmware_open(&firmware, &config), 0);
	assert_int_equal(firmware.image.size, 8192);
	assert_int_equal(firmware.kernel.size, 5000);
	x86_firmware_close(&firmware);
	close(good.fd);
	close(odd.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bridge_leads_to_power_management),
		cmocka_unit_test(the_timer_counts),
		cmocka_unit_test(sleeping_ends_the_guest),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
