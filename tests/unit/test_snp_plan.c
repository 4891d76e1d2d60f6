// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What goes into a launch and its digest. The digests here were computed by tests/snp/digest.py, which shares
 * nothing with lkvm.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "board.h"
#include "bzimage.h"
#include "kernel_file.h"
#include "said.h"
#include "confidential/snp-hashes.h"
#include "confidential/snp-plan.h"
#include "confidential/snp-vmsa.h"
#include "snp_image.h"

static struct guest_memory memory;
static struct snp_plan plan;

static int setup(void **state)
{
	guest_memory_init(&memory);
	memset(&plan, 0, sizeof(plan));
	return 0;
}

static int teardown(void **state)
{
	guest_memory_destroy(&memory);
	return 0;
}

static void assert_digest(const u8 *digest, const char *hex)
{
	char text[2 * SHA384_SIZE + 1];

	for (unsigned i = 0; i < SHA384_SIZE; i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
	assert_string_equal(text, hex);
}

/* ---- the chain ---- */

static void each_page_is_a_step(void **state)
{
	u8 digest[SHA384_SIZE] = { 0 }, page[SNP_PAGE_SIZE];

	if (!sha2_available())
		skip();
	memset(page, 0x5a, sizeof(page));
	assert_int_equal(snp_digest_page(digest, SNP_PAGE_NORMAL, 0xfffff000, page), 0);
	assert_digest(digest, "0299b7f5894ad677acde8fc47e181f362d07895b63ba2c8c1e97c1f7520e96ba"
			      "ef81638cfda798c95229c0c7e6dab5a7");
	assert_int_equal(snp_digest_page(digest, SNP_PAGE_CPUID, 0x4000, NULL), 0);
	assert_digest(digest, "d7854392ab616ee00f90df69cdd3d961e14a3764ac457372d02cd7de59aece3a"
			      "01b53de53e0e3929daecff0dccc5b10b");
}

static void plan_digest_is_of_the_pages_in_order(void **state)
{
	u8 digest[SHA384_SIZE];

	if (!sha2_available())
		skip();
	assert_int_equal(guest_memory_add_ram(&memory, 0, 0x10000), 0);
	memset(guest_memory_hva(&memory, 0x2000, 0x2000), 0x11, 0x2000);
	assert_int_equal(snp_plan_add(&plan, &memory, 0x2000, 0x2000, SNP_PAGE_NORMAL), 0);
	assert_int_equal(snp_plan_add(&plan, &memory, 0, 0x2000, SNP_PAGE_ZERO), 0);
	assert_int_equal(snp_plan_add(&plan, &memory, 0x5000, 0x1000, SNP_PAGE_UNMEASURED), 0);
	assert_int_equal(snp_plan_add(&plan, &memory, 0x6000, 0x1000, SNP_PAGE_SECRETS), 0);
	plan.nr_vcpus = 2;
	snp_vcpu_reset(&plan.boot, SNP_RESET_VECTOR, 0x800f12);
	snp_vcpu_reset(&plan.others, 0x80b004, 0x800f12);
	assert_int_equal(snp_plan_digest(&plan, digest), 0);
	assert_digest(digest, "ec768829450bc63f22792fe4860564ee712ef4e2500a1c5ae0d055a84ae51151"
			      "ad360f41cd7efcbbe8289fcef876a398");
	/* Contents of pages that are not measured are not. */
	memset(guest_memory_hva(&memory, 0x5000, 0x2000), 0x22, 0x2000);
	assert_int_equal(snp_plan_digest(&plan, digest), 0);
	assert_digest(digest, "ec768829450bc63f22792fe4860564ee712ef4e2500a1c5ae0d055a84ae51151"
			      "ad360f41cd7efcbbe8289fcef876a398");
	plan.vmsa_features = 0x20;
	assert_int_equal(snp_plan_digest(&plan, digest), 0);
	assert_digest(digest, "cd721b515d42c44e03d6b767a991c56a807275747f511976363b8a72734cb572"
			      "2a32a34bd04421bb42980250cfb077a6");
}

static void what_is_no_page_is_refused(void **state)
{
	assert_int_equal(guest_memory_add_ram(&memory, 0, 0x10000), 0);
	assert_int_equal(snp_plan_add(&plan, &memory, 0x2000, 0x2000, SNP_PAGE_NORMAL), 0);
	assert_int_equal(snp_plan_add(&plan, &memory, 0x4001, 0x1000, SNP_PAGE_ZERO), -EINVAL);
	assert_int_equal(snp_plan_add(&plan, &memory, 0x4000, 0x1001, SNP_PAGE_ZERO), -EINVAL);
	assert_int_equal(snp_plan_add(&plan, &memory, 0x4000, 0, SNP_PAGE_ZERO), -EINVAL);
	assert_int_equal(snp_plan_add(&plan, &memory, 0x3000, 0x2000, SNP_PAGE_ZERO), -EINVAL);
	assert_int_equal(snp_plan_add(&plan, &memory, 0xf000, 0x2000, SNP_PAGE_ZERO), -EFAULT);
	assert_int_equal(snp_plan_add(&plan, &memory, 0x4000, UINT64_MAX - 0xfff, SNP_PAGE_ZERO),
			 -EFAULT);
	assert_int_equal(plan.nr_ranges, 1);
}

static void too_many_ranges_are_refused(void **state)
{
	assert_int_equal(guest_memory_add_ram(&memory, 0, MIB(1)), 0);
	for (unsigned i = 0; i < SNP_MAX_RANGES; i++)
		assert_int_equal(snp_plan_add(&plan, &memory, i * 0x2000, 0x1000, SNP_PAGE_ZERO),
				 0);
	assert_int_equal(snp_plan_add(&plan, &memory, 0xf0000, 0x1000, SNP_PAGE_ZERO), -ENOSPC);
}

/* ---- a kernel ---- */

static const struct snp_range *range_of(gpa_t gpa)
{
	for (unsigned i = 0; i < plan.nr_ranges; i++) {
		if (gpa - plan.ranges[i].gpa < plan.ranges[i].size)
			return &plan.ranges[i];
	}
	return NULL;
}

static void assert_type(gpa_t gpa, enum snp_page_type type)
{
	const struct snp_range *range = range_of(gpa);

	assert_non_null(range);
	if (range->type != type)
		fail_msg("0x%llx has type %d, not %d", (unsigned long long)gpa, range->type, type);
}

static u8 bzimage[BZIMAGE_SIZE];

static struct x86_kernel open_kernel(struct memory_file *file)
{
	struct x86_kernel kernel;

	*file = memory_file(bzimage, sizeof(bzimage));
	assert_int_equal(x86_kernel_open(&kernel, file->path, GIB(1)), 0);
	return kernel;
}

static void a_kernel_gets_all_of_ram(void **state)
{
	struct memory_file kernel_file, initrd_file = memory_file("initrd", 6);
	struct boot_file initrd;
	struct x86_entry entry;
	struct x86_kernel kernel;
	struct x86_boot boot = {
		.memory = &memory,
		.low_ram = MIB(64),
		.high_ram = MIB(4),
		.cmdline = "quiet",
		.initrds = &initrd,
		.nr_initrds = 1,
		.rsdp = BOARD_ACPI,
		.private_bit = BIT(51),
	};
	u64 total = 0;

	make_bzimage(bzimage);
	kernel = open_kernel(&kernel_file);
	assert_int_equal(boot_file_open(&initrd, "initrd", initrd_file.path, GIB(1)), 0);
	assert_int_equal(guest_memory_add_ram(&memory, 0, boot.low_ram), 0);
	assert_int_equal(guest_memory_add_ram(&memory, BOARD_HOLE_END, boot.high_ram), 0);
	assert_int_equal(x86_kernel_load(&kernel, &boot, &entry), 0);
	assert_int_equal(snp_plan_kernel(&plan, &kernel, &boot, &entry), 0);

	assert_type(BOARD_BOOT_GDT, SNP_PAGE_NORMAL);
	assert_type(BOARD_SNP_SECRETS, SNP_PAGE_SECRETS);
	assert_type(BOARD_SNP_CPUID, SNP_PAGE_CPUID);
	assert_type(BOARD_BOOT_PARAMS, SNP_PAGE_NORMAL);
	assert_type(BOARD_BOOT_SETUP_DATA, SNP_PAGE_NORMAL);
	assert_type(BOARD_BOOT_PAGE_TABLES, SNP_PAGE_NORMAL);
	assert_type(BOARD_BOOT_CMDLINE + BOARD_BOOT_CMDLINE_MAX - 1, SNP_PAGE_NORMAL);
	assert_type(BOARD_BOOT_CMDLINE + BOARD_BOOT_CMDLINE_MAX, SNP_PAGE_ZERO);
	assert_null(range_of(0xa0000));
	assert_type(BOARD_ACPI, SNP_PAGE_UNMEASURED);
	assert_null(range_of(0xf0000));
	assert_type(MIB(1), SNP_PAGE_ZERO);
	assert_type(MIB(16), SNP_PAGE_NORMAL);
	assert_type(MIB(16) + BZIMAGE_PAYLOAD, SNP_PAGE_ZERO);
	/* The initrd is at the end of low memory. */
	assert_type(MIB(64) - 1, SNP_PAGE_NORMAL);
	assert_type(MIB(64) - 4097, SNP_PAGE_ZERO);
	assert_type(BOARD_HOLE_END, SNP_PAGE_ZERO);
	for (unsigned i = 0; i < plan.nr_ranges; i++)
		total += plan.ranges[i].size;
	assert_int_equal(total, MIB(68) - 0x40000 - 0x10000);

	assert_int_equal(plan.boot.regs.rip, MIB(16) + 0x200);
	assert_int_equal(plan.boot.regs.rsi, BOARD_BOOT_PARAMS);
	assert_int_equal(plan.boot.sregs.cr3, BOARD_BOOT_PAGE_TABLES);
	boot_file_close(&kernel.file);
	boot_file_close(&initrd);
	close(kernel_file.fd);
	close(initrd_file.fd);
}

static u64 read64(gpa_t gpa)
{
	le64 value;

	assert_int_equal(guest_read(&memory, gpa, &value, sizeof(value)), 0);
	return le64toh(value);
}

/* What Linux looks for before it can take a fault. */
static void a_kernel_is_led_to_its_pages(void **state)
{
	struct memory_file file;
	struct boot_params params;
	struct x86_entry entry;
	struct x86_kernel kernel;
	struct x86_boot boot = {
		.memory = &memory,
		.low_ram = MIB(64),
		.cmdline = "quiet",
		.private_bit = BIT(51),
	};
	u32 blob;

	make_bzimage(bzimage);
	kernel = open_kernel(&file);
	assert_int_equal(guest_memory_add_ram(&memory, 0, boot.low_ram), 0);
	assert_int_equal(x86_kernel_load(&kernel, &boot, &entry), 0);
	assert_int_equal(guest_read(&memory, BOARD_BOOT_PARAMS, &params, sizeof(params)), 0);
	/* next 0, type SETUP_CC_BLOB, and where the blob is. */
	assert_int_equal(read64(params.hdr.setup_data), 0);
	assert_int_equal((u32)read64(params.hdr.setup_data + 8), 7);
	blob = read64(params.hdr.setup_data + 16);
	assert_int_equal(read64(blob), 0x45444d41);
	assert_int_equal(read64(blob + 8), BOARD_SNP_SECRETS);
	assert_int_equal((u32)read64(blob + 16), 4096);
	assert_int_equal(read64(blob + 24), BOARD_SNP_CPUID);
	assert_int_equal((u32)read64(blob + 32), 4096);
	/* Page tables are the guest's own memory, and so is what they map. */
	assert_int_equal(read64(BOARD_BOOT_PAGE_TABLES) >> 51, 1);
	assert_int_equal(read64(BOARD_BOOT_PAGE_TABLES + 4096) >> 51, 1);
	assert_int_equal(read64(BOARD_BOOT_PAGE_TABLES + 8192 + 8), BIT(51) | MIB(2) | 0x83);
	for (unsigned i = 0; i < params.e820_entries; i++) {
		const struct boot_e820_entry *e = &params.e820_table[i];

		if (e->addr == BOARD_SNP_SECRETS)
			assert_int_equal(e->type, 2);
		if (e->addr == BOARD_ACPI)
			assert_int_equal(e->type, 3);
		if (i)
			assert_true(e->addr >= e[-1].addr + e[-1].size);
	}
	boot_file_close(&kernel.file);
	close(file.fd);
}

static void a_kernel_without_a_64_bit_entry_is_refused(void **state)
{
	struct memory_file file;
	struct x86_kernel kernel;
	struct x86_boot boot = {
		.memory = &memory, .low_ram = MIB(64), .cmdline = "", .private_bit = BIT(51)
	};
	struct x86_placement at;

	make_bzimage(bzimage);
	bzimage_header(bzimage)->xloadflags = 0;
	kernel = open_kernel(&file);
	said_begin();
	assert_int_equal(x86_kernel_place(&kernel, &boot, &at), -EINVAL);
	said_end();
	SAID("cannot be started as a SEV-SNP guest");
	boot_file_close(&kernel.file);
	close(file.fd);
}

/* ---- a firmware ---- */

static void load_firmware(struct snp_firmware *firmware)
{
	u8 *image;

	assert_int_equal(guest_memory_add_ram(&memory, 0, MIB(16)), 0);
	assert_int_equal(
		guest_memory_add_unlisted(&memory, GIB(4) - SNP_IMAGE_SIZE, SNP_IMAGE_SIZE), 0);
	image = guest_memory_hva(&memory, GIB(4) - SNP_IMAGE_SIZE, SNP_IMAGE_SIZE);
	make_snp_image(image);
	assert_int_equal(snp_firmware_parse(firmware, "fw", image, SNP_IMAGE_SIZE), 0);
	plan.nr_vcpus = 4;
	snp_vcpu_reset(&plan.boot, SNP_RESET_VECTOR, 0x800f12);
	snp_vcpu_reset(&plan.others, firmware->reset_eip, 0x800f12);
}

static void a_firmware_as_it_wants(void **state)
{
	struct snp_firmware firmware;
	u8 digest[SHA384_SIZE];

	load_firmware(&firmware);
	assert_int_equal(snp_plan_firmware(&plan, &memory, &firmware, NULL), 0);
	assert_int_equal(plan.ranges[0].gpa, GIB(4) - SNP_IMAGE_SIZE);
	assert_type(0x803000, SNP_PAGE_SECRETS);
	assert_type(0x804000, SNP_PAGE_CPUID);
	assert_type(0x805000, SNP_PAGE_ZERO);
	assert_type(0x808000, SNP_PAGE_ZERO);
	if (!sha2_available())
		skip();
	assert_int_equal(snp_plan_digest(&plan, digest), 0);
	assert_digest(digest, "44640298b0bc8564d2819c3bdf1b1ea22d787477b16549e5dc62963bc5e96e47"
			      "b9fab56b2d6b489af3b4da9e87ed7a2e");
}

static void a_firmware_and_the_kernel_that_it_knows(void **state)
{
	struct memory_file kernel_file = memory_file("a kernel", 8);
	struct memory_file initrd_file = memory_file("an initrd", 9);
	struct boot_file kernel, initrd;
	struct snp_firmware firmware;
	struct snp_hashes hashes;
	u8 digest[SHA384_SIZE];

	if (!sha2_available())
		skip();
	assert_int_equal(boot_file_open(&kernel, "kernel", kernel_file.path, GIB(1)), 0);
	assert_int_equal(boot_file_open(&initrd, "initrd", initrd_file.path, GIB(1)), 0);
	load_firmware(&firmware);
	assert_int_equal(snp_hashes_make(&hashes, &kernel, &initrd, 1, "console=ttyS0"), 0);
	assert_int_equal(snp_plan_firmware(&plan, &memory, &firmware, &hashes), 0);
	assert_type(0x808000, SNP_PAGE_NORMAL);
	assert_int_equal(snp_plan_digest(&plan, digest), 0);
	assert_digest(digest, "0dee34291182ac93d1b5f2548198024354c79ec8498b2452dd744538f0f0c199"
			      "bb5173991ccffcdb01afdd8dc36443ff");
	boot_file_close(&kernel);
	boot_file_close(&initrd);
	close(kernel_file.fd);
	close(initrd_file.fd);
}

static void a_kernel_that_would_not_be_measured_is_refused(void **state)
{
	struct snp_firmware firmware;
	struct snp_hashes hashes = { .size = 1 };

	load_firmware(&firmware);
	firmware.hashes = 0;
	said_begin();
	assert_int_equal(snp_plan_firmware(&plan, &memory, &firmware, &hashes), -EINVAL);
	said_end();
	SAID("no place for a kernel's hash");
}

static void a_firmware_that_wants_more_memory(void **state)
{
	struct snp_firmware firmware;

	load_firmware(&firmware);
	firmware.sections[0].gpa = MIB(16) - 4096;
	said_begin();
	assert_int_equal(snp_plan_firmware(&plan, &memory, &firmware, NULL), -EFAULT);
	said_end();
	SAID("give the guest more with --mem");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(each_page_is_a_step),
		T(plan_digest_is_of_the_pages_in_order),
		T(what_is_no_page_is_refused),
		T(too_many_ranges_are_refused),
		T(a_kernel_gets_all_of_ram),
		T(a_kernel_is_led_to_its_pages),
		T(a_kernel_without_a_64_bit_entry_is_refused),
		T(a_firmware_as_it_wants),
		T(a_firmware_and_the_kernel_that_it_knows),
		T(a_kernel_that_would_not_be_measured_is_refused),
		T(a_firmware_that_wants_more_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
