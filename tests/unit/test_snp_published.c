// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Launch digests that others published: those that the tests of virtee's sev-snp-measure (behind 0.0.9) expect
 * of an OVMF for AMD SEV in QEMU, given the digest after the image itself, which that project publishes too. Where that
 * image wants its pages is edk2's OvmfPkg/AmdSev. So the order of pages, the table of hashes and a vCPU's registers
 * are held against what neither lkvm nor its tests derived.
 */
#include <stdio.h>

#include "confidential/snp-hashes.h"
#include "confidential/snp-plan.h"
#include "confidential/snp-vmsa.h"
#include "test.h"

#define IMAGE_SIZE 4096
#define EPYC_V4	   0x800f12

static struct guest_memory memory;

static const struct snp_firmware firmware = {
	.size = IMAGE_SIZE,
	.reset_eip = 0x80b004,
	.hashes = 0x80fc00,
	.nr_sections = 6,
	.sections = {
		{ 0x800000, 0x9000, SNP_SECTION_MEMORY },
		{ 0x80a000, 0x3000, SNP_SECTION_MEMORY },
		{ 0x80d000, 0x1000, SNP_SECTION_SECRETS },
		{ 0x80e000, 0x1000, SNP_SECTION_CPUID },
		{ 0x80f000, 0x1000, SNP_SECTION_KERNEL_HASHES },
		{ 0x810000, 0x10000, SNP_SECTION_MEMORY },
	},
};

static const char after_image[] = "edcf6d1c57ce868a167c990f58c8667c698269ef9e0803246419eea914186343"
				  "054d557e1f17acd93b032c106bc70d25";
static const char after_another[] = "cab7e085874b3acfdbe2d96dcaa3125111f00c35c6fc9708464c2ae74bfdb0"
				    "48a198cb9a9ccae0b3e5e1a33f5f249819";

static int setup(void **state)
{
	guest_memory_init(&memory);
	assert_int_equal(guest_memory_add_ram(&memory, 0, MIB(16)), 0);
	return guest_memory_add_unlisted(&memory, GIB(4) - IMAGE_SIZE, IMAGE_SIZE);
}

static int teardown(void **state)
{
	guest_memory_destroy(&memory);
	return 0;
}

static void read_hex(u8 *bytes, const char *hex)
{
	for (unsigned i = 0; i < SHA384_SIZE; i++) {
		unsigned byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		bytes[i] = byte;
	}
}

/* The rest of the chain: the image's own pages, the plan's first range, are in the digest already. */
static void go_on(u8 *digest, const struct snp_plan *plan)
{
	struct snp_vmsa vmsa;

	for (unsigned i = 1; i < plan->nr_ranges; i++) {
		const struct snp_range *range = &plan->ranges[i];

		for (u64 at = 0; at < range->size; at += SNP_PAGE_SIZE)
			assert_int_equal(snp_digest_page(digest, range->type, range->gpa + at,
							 range->type == SNP_PAGE_NORMAL
								 ? (u8 *)range->data + at
								 : NULL),
					 0);
	}
	for (unsigned i = 0; i < plan->nr_vcpus; i++) {
		snp_vmsa_build(&vmsa, i ? &plan->others : &plan->boot, plan->vmsa_features);
		assert_int_equal(snp_digest_page(digest, SNP_PAGE_VMSA, SNP_VMSA_GPA, &vmsa), 0);
	}
}

/* cmdline: of an empty kernel with an empty initrd; NULL: without a kernel. */
static void assert_published(const char *image, const char *cmdline, unsigned vcpus, u64 features,
			     const char *published)
{
	const struct boot_file nothing = { .path = "nothing", .fd = -1 };
	struct snp_plan plan = { .nr_vcpus = vcpus, .vmsa_features = features };
	u8 digest[SHA384_SIZE], expected[SHA384_SIZE];
	struct snp_hashes hashes;

	if (cmdline)
		assert_int_equal(snp_hashes_make(&hashes, &nothing, &nothing, 1, cmdline), 0);
	assert_int_equal(snp_plan_firmware(&plan, &memory, &firmware, cmdline ? &hashes : NULL), 0);
	assert_int_equal(plan.ranges[0].size, IMAGE_SIZE);
	snp_vcpu_reset(&plan.boot, SNP_RESET_VECTOR, EPYC_V4);
	snp_vcpu_reset(&plan.others, firmware.reset_eip, EPYC_V4);
	read_hex(digest, image);
	go_on(digest, &plan);
	read_hex(expected, published);
	assert_memory_equal(digest, expected, SHA384_SIZE);
}

static void without_a_kernel(void **state)
{
	if (!sha2_available())
		skip();
	assert_published(after_image, NULL, 1, 0,
			 "c4ee889e2ca38dc7137f5a448c56960a1eb5c08919fd2107"
			 "a1249eb899afda42be9ba11e417530938cfa8d62a5890557");
}

static void with_a_kernel(void **state)
{
	if (!sha2_available())
		skip();
	assert_published(after_image, "console=ttyS0 loglevel=7", 1, 0,
			 "72b3f3c1ed0df9e5279eb2317a9861be3b878537e8513b31"
			 "8b49c1e184f6228e3ff367d133a8688f430e412ba66f558f");
	assert_published(after_another, "", 1, 0,
			 "3c018b826531c5f625f10004d51ee51ab5dbfaf1fdd79998"
			 "ab649cff11b4afbdb2f50941d2a23b5d77fe00cf988242e7");
}

/* Bit 5: debug registers are swapped. */
static void with_another_feature(void **state)
{
	if (!sha2_available())
		skip();
	assert_published(after_image, "console=ttyS0 loglevel=7", 1, BIT(5),
			 "2b9ca4d24c46845280fdca6f0ca0edf0f704bf179243e5c1"
			 "b139acf3668ce7bc040e12d16b2ee8738aeaa39faddc8912");
}

static void with_four_vcpus(void **state)
{
	if (!sha2_available())
		skip();
	assert_published(after_image, "", 4, 0,
			 "74b2f532253c8214df9998ba8df305aa98eb1733c0010014"
			 "c5ed728b8d1a9fa83df0a0caf047e9cee14087cc79bbc7c9");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(without_a_kernel),
		T(with_a_kernel),
		T(with_another_feature),
		T(with_four_vcpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
