// SPDX-License-Identifier: GPL-2.0-or-later
/* fw_cfg from the guest's side: its ports and its descriptors. */
#include "test.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include "fw_cfg_words.h"
#include "kernel_file.h"
#include "lkvm/hw/fw-cfg.h"
#include "lkvm/vm/vcpu.h"

static struct fw_cfg *fw;

/* In place of vm/vcpu.c: a vCPU that is wanted elsewhere after so many looks. */
static struct vcpu vcpu;
static unsigned looks_left = UINT_MAX;

struct vcpu *vcpu_current(void)
{
	return &vcpu;
}

bool vcpus_parking(struct vm *of)
{
	if (!looks_left)
		return true;
	looks_left--;
	return false;
}

static int setup(void **state)
{
	vm = fake_vm_create();
	assert_int_equal(fw_cfg_create(vm, SELECTOR, &fw), 0);
	devices_reset(&vm->devices);
	return 0;
}

static int teardown(void **state)
{
	fake_vm_destroy(vm);
	return 0;
}

static void expect_bytes(const void *bytes, size_t len)
{
	const u8 *want = bytes;

	for (size_t i = 0; i < len; i++)
		assert_int_equal(port_get(vm, DATA, 1), want[i]);
}

static void what_it_is(void **state)
{
	port_put(vm, SELECTOR, 2, FW_CFG_SIGNATURE);
	expect_bytes("QEMU\0\0", 6);
	port_put(vm, SELECTOR, 2, FW_CFG_ID);
	expect_bytes("\3\0\0\0", 4);
	assert_int_equal(port_get(vm, DMA_HIGH, 4),
			 0x554d4551); /* "QEMU CFG", big-endian as a number */
	assert_int_equal(port_get(vm, DMA_LOW, 4), 0x47464320);
	assert_int_equal(port_get(vm, DMA_LOW + 3, 1), 'G');
}

static void numbers_nobody_has(void **state)
{
	static const u16 keys[] = { 2, 0x18, 0x20, 0x4000, 0x8000, 0xffff };

	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
		port_put(vm, SELECTOR, 2, keys[i]);
		expect_bytes("\0\0\0", 3);
		memset(at(BUFFER), 0xee, 8);
		assert_int_equal(dma((u32)keys[i] << 16 | SELECT | READ, 4, BUFFER), 0);
		assert_memory_equal(at(BUFFER), "\0\0\0\0\xee", 5);
	}
}

static void names(void **state)
{
	static const u8 two[] = {
		0, 0, 0, 2, 0, 0, 0, 3, 0, 0x20, 0, 0, 'e', 't', 'c', '/', 'a', 0
	};

	assert_int_equal(fw_cfg_set_name(fw, "etc/a", "abc", 3), 0);
	assert_int_equal(fw_cfg_set_name(fw, "etc/b", "12", 2), 0);
	port_put(vm, SELECTOR, 2, FW_CFG_FILE_DIR);
	expect_bytes(two, sizeof(two));
	port_put(vm, SELECTOR, 2, 0x20);
	expect_bytes("abc\0", 4);
	/* Set anew: the same number, and the directory has the new size. */
	assert_int_equal(fw_cfg_set_name(fw, "etc/b", "12345", 5), 0);
	assert_int_equal(dma(FW_CFG_FILE_DIR << 16 | SELECT | READ, 4 + 2 * 64, BUFFER), 0);
	assert_int_equal(at(BUFFER)[3], 2);
	assert_int_equal(at(BUFFER)[4 + 64 + 3], 5);
	assert_string_equal((const char *)at(BUFFER) + 4 + 64 + 8, "etc/b");
	port_put(vm, SELECTOR, 2, 0x21);
	expect_bytes("12345", 5);
}

static void names_that_cannot_be(void **state)
{
	char name[57];
	int error = 0;

	memset(name, 'x', 56);
	name[56] = '\0';
	assert_int_equal(fw_cfg_set_name(fw, name, "", 0), -EINVAL);
	assert_int_equal(fw_cfg_set_name(fw, "", "", 0), -EINVAL);
	name[55] = '\0';
	assert_int_equal(fw_cfg_set_name(fw, name, "", 0), 0);
	for (unsigned i = 0; i < 100 && !error; i++) {
		snprintf(name, sizeof(name), "%u", i);
		error = fw_cfg_set_name(fw, name, "", 0);
	}
	assert_int_equal(error, -ENOSPC);
	assert_int_equal(fw_cfg_set_name(fw, "0", "new", 3), 0);
}

static void parts_by_dma(void **state)
{
	assert_int_equal(fw_cfg_set(fw, FW_CFG_CMDLINE_DATA, "0123456789", 10), 0);
	assert_int_equal(dma(FW_CFG_CMDLINE_DATA << 16 | SELECT | READ, 2, BUFFER), 0);
	assert_int_equal(dma(SKIP, 3, 0), 0);
	assert_int_equal(port_get(vm, DATA, 1), '5');
	memset(at(BUFFER), 0xee, 8);
	assert_int_equal(dma(READ, 6, BUFFER), 0);
	assert_memory_equal(at(BUFFER), "6789\0\0\xee", 7);
	/* Skipped beyond its end, as often as a guest likes. */
	assert_int_equal(dma(SKIP, 0xffffffff, 0), 0);
	assert_int_equal(dma(SKIP, 0xffffffff, 0), 0);
	assert_int_equal(dma(READ, 1, BUFFER), 0);
	assert_int_equal(at(BUFFER)[0], 0);
	/* Nothing at all is no error. */
	assert_int_equal(dma(0, 5, BUFFER), 0);
	assert_int_equal(dma(READ, 0, 1), 0);
}

static void places_that_are_no_memory(void **state)
{
	static const gpa_t wrong[] = { 0, RING_BASE - 1, RING_BASE + FAKE_RAM_SIZE - 3, ~0ULL,
				       ~0ULL - 2 };

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(dma(SELECT | READ, 4, wrong[i]), ERROR);
		/* A descriptor there: nothing happens. */
		start(wrong[i]);
	}
	/* More than there is memory: what there is, then an error. */
	assert_int_equal(dma(SELECT | READ, 0xffffffff, BUFFER), ERROR);
	assert_memory_equal(at(BUFFER), "QEMU\0", 5);
}

/* However much was asked for, nothing is done that the end of the guest would have to wait for. */
static void a_guest_that_ends_gets_no_more(void **state)
{
	vm->end = VM_REQUEST_TIMEOUT;
	at(BUFFER)[0] = 0xee;
	assert_int_equal(dma(FW_CFG_SIGNATURE << 16 | SELECT | READ, 0xffffffff, BUFFER), ERROR);
	assert_int_equal(at(BUFFER)[0], 0xee);
}

static void writes_are_refused(void **state)
{
	assert_int_equal(fw_cfg_set(fw, FW_CFG_CMDLINE_DATA, "abc", 4), 0);
	memcpy(at(BUFFER), "xyz", 3);
	assert_int_equal(dma(FW_CFG_CMDLINE_DATA << 16 | SELECT | WRITE, 3, BUFFER), ERROR);
	port_put(vm, DATA, 1, 'x');
	port_put(vm, SELECTOR, 2, FW_CFG_CMDLINE_DATA);
	expect_bytes("abc", 4);
}

/* Accesses of other sizes and places have no effect. */
static void odd_accesses(void **state)
{
	port_put(vm, SELECTOR, 2, FW_CFG_SIGNATURE);
	port_put(vm, SELECTOR, 1, 5);
	port_put(vm, SELECTOR, 4, 5);
	assert_int_equal(port_get(vm, SELECTOR, 2), 0);
	assert_int_equal(port_get(vm, DATA, 2), 0);
	assert_int_equal(port_get(vm, DATA, 4), 0);
	port_put(vm, DMA_HIGH + 1, 2, 0xffff);
	port_put(vm, DMA_LOW, 2, 0xffff);
	expect_bytes("QEMU", 4);
	assert_int_equal(port_get(vm, DMA_LOW + 3, 1), 'G');
}

static void a_reset_forgets_the_item(void **state)
{
	port_put(vm, SELECTOR, 2, FW_CFG_SIGNATURE);
	expect_bytes("QE", 2);
	port_put(vm, DMA_HIGH, 4, 0xffffffff);
	devices_reset(&vm->devices);
	expect_bytes("\0\0", 2);
	assert_int_equal(dma(SELECT | READ, 4, BUFFER), 0);
}

/* As boot_initrd_load() puts them: each but the last padded to 4 bytes. */
static void files(void **state)
{
	static u8 large[40000];
	struct memory_file a = memory_file("abcde", 5), b;
	struct boot_file list[2];

	for (unsigned i = 0; i < sizeof(large); i++)
		large[i] = i * 7 + i / 251;
	b = memory_file(large, sizeof(large));
	assert_int_equal(boot_file_open(&list[0], "initrd", a.path, GIB(1)), 0);
	assert_int_equal(boot_file_open(&list[1], "initrd", b.path, GIB(1)), 0);
	assert_int_equal(fw_cfg_set_files(fw, FW_CFG_INITRD_DATA, list, 2), 0);
	port_put(vm, SELECTOR, 2, FW_CFG_INITRD_DATA);
	expect_bytes("abcde\0\0\0", 8);
	expect_bytes(large, 20);
	assert_int_equal(dma(READ, sizeof(large), BUFFER), 0);
	assert_memory_equal(at(BUFFER), large + 20, sizeof(large) - 20);
	assert_int_equal(at(BUFFER)[sizeof(large) - 1], 0);
	/* It became shorter: an error, not what was in a buffer. */
	assert_int_equal(ftruncate(b.fd, 100), 0);
	assert_int_equal(dma(FW_CFG_INITRD_DATA << 16 | SELECT | READ, 300, BUFFER), ERROR);
	boot_file_close(&list[0]);
	boot_file_close(&list[1]);
	close(a.fd);
	close(b.fd);
}

/* In the middle of a long one, which is done again afterwards. */
static void a_vcpu_that_is_wanted_elsewhere(void **state)
{
	static u8 large[60000];

	for (unsigned i = 0; i < sizeof(large); i++)
		large[i] = i * 11 + i / 241;
	assert_int_equal(fw_cfg_set(fw, FW_CFG_CMDLINE_DATA, large, sizeof(large)), 0);
	assert_int_equal(dma(FW_CFG_CMDLINE_DATA << 16 | SELECT | READ, 100, BUFFER), 0);
	looks_left = 1;
	assert_int_equal(dma(READ, 50000, BUFFER), READ);
	assert_true(vcpu.repeat_exit);
	vcpu.repeat_exit = false;
	assert_int_equal(dma(SELECT | READ, 50000, BUFFER), SELECT | READ);
	assert_true(vcpu.repeat_exit);
	vcpu.repeat_exit = false;
	/* Neither what is selected nor where it was read is another one, and only the low word is written again. */
	looks_left = UINT_MAX;
	assert_int_equal(dma(READ, 50000, BUFFER), 0);
	assert_false(vcpu.repeat_exit);
	assert_memory_equal(at(BUFFER), large + 100, 50000);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_it_is),
		T(numbers_nobody_has),
		T(names),
		T(names_that_cannot_be),
		T(parts_by_dma),
		T(places_that_are_no_memory),
		T(a_guest_that_ends_gets_no_more),
		T(a_vcpu_that_is_wanted_elsewhere),
		T(writes_are_refused),
		T(odd_accesses),
		T(a_reset_forgets_the_item),
		T(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
