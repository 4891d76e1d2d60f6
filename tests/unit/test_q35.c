// SPDX-License-Identifier: GPL-2.0-or-later
/* What a firmware touches of a q35 board, and the files that it is started from. */
#include "test.h"
#include <errno.h>
#include <stdlib.h>
#include "board.h"
#include "fake_vm.h"
#include "firmware.h"
#include "kernel_file.h"
#include "no_vcpus.h"
#include "q35.h"

static struct vm *make(void)
{
	struct vm *vm = fake_vm_create();

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
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
