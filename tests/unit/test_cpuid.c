// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpuid.h"
#include "test.h"

static struct kvm_cpuid2 *cpuid;

static struct kvm_cpuid_entry2 *put(u32 function, u32 index, bool indexed, u32 eax, u32 ebx,
				    u32 ecx, u32 edx)
{
	struct kvm_cpuid_entry2 *entry = &cpuid->entries[cpuid->nent++];

	*entry = (struct kvm_cpuid_entry2){
		.function = function,
		.index = index,
		.flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
		.eax = eax,
		.ebx = ebx,
		.ecx = ecx,
		.edx = edx,
	};
	return entry;
}

static void put_vendor(const char *name, u32 max)
{
	struct kvm_cpuid_entry2 *entry = put(0, 0, false, max, 0, 0, 0);

	memcpy(&entry->ebx, name, 4);
	memcpy(&entry->edx, name + 4, 4);
	memcpy(&entry->ecx, name + 8, 4);
}

/* As KVM gives them: the host's APIC id in leaf 1, topology leaves empty. */
static void common_leaves(void)
{
	put(1, 0, false, 0x806ec, 0x07100800, 0x76da3203, 0x178bfbff);
	put(6, 0, false, 0, 0, 0, 0);
	put(0xb, 0, true, 0, 0, 0, 0);
	put(0x40000000, 0, false, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d);
	put(0x40000001, 0, false, 0x01007efb, 0, 0, 0);
}

static int intel(void **state)
{
	cpuid = x86_cpuid_new();
	cpuid->nent = 0;
	put_vendor("GenuineIntel", 0x1f);
	common_leaves();
	put(4, 0, true, 0x1c004121, 0x01c0003f, 0x3f, 0);
	put(4, 1, true, 0x1c004122, 0x01c0003f, 0x3f, 0);
	put(4, 2, true, 0x1c004143, 0x00c0003f, 0x3ff, 0);
	put(4, 3, true, 0x1c03c163, 0x03c0003f, 0x1fff, 6);
	put(4, 4, true, 0, 0, 0, 0);
	put(0x80000000, 0, false, 0x80000008, 0, 0, 0);
	put(0x80000001, 0, false, 0, 0, 0x121, 0x2c100800);
	put(0x80000008, 0, false, 0x3027, 0, 0, 0);
	return 0;
}

static int amd(void **state)
{
	cpuid = x86_cpuid_new();
	cpuid->nent = 0;
	put_vendor("AuthenticAMD", 0x10);
	common_leaves();
	put(0x80000000, 0, false, 0x8000001e, 0, 0, 0);
	put(0x80000001, 0, false, 0, 0, 0x00400393, 0x2fd3fbff);
	put(0x80000008, 0, false, 0x3030, 0x1007, 0x7001, 0);
	put(0x8000001d, 0, true, 0x4121, 0x01c0003f, 0x3f, 0);
	put(0x8000001d, 3, true, 0x3c163, 0x03c0003f, 0x3fff, 1);
	put(0x8000001d, 4, true, 0, 0, 0, 0);
	put(0x8000001e, 0, false, 5, 0x102, 0x300, 0);
	return 0;
}

static int release(void **state)
{
	free(cpuid);
	return 0;
}

static struct kvm_cpuid_entry2 *leaf(u32 function, u32 index)
{
	struct kvm_cpuid_entry2 *entry = x86_cpuid_find(cpuid, function, index);

	assert_non_null(entry);
	return entry;
}

static void check_topology(u32 function, unsigned nr, unsigned bits, unsigned id)
{
	assert_int_equal(leaf(function, 0)->eax, 0);
	assert_int_equal(leaf(function, 0)->ebx, 1);
	assert_int_equal(leaf(function, 0)->ecx, 0x100);
	assert_int_equal(leaf(function, 0)->edx, id);
	assert_int_equal(leaf(function, 1)->eax, bits);
	assert_int_equal(leaf(function, 1)->ebx, nr);
	assert_int_equal(leaf(function, 1)->ecx, 0x201);
	assert_int_equal(leaf(function, 1)->edx, id);
}

static void check_intel(unsigned nr, unsigned bits)
{
	x86_cpuid_set_common(cpuid, nr, 2600000, true);
	for (unsigned id = 0; id < nr; id++) {
		x86_cpuid_set_vcpu(cpuid, id);
		assert_int_equal(leaf(1, 0)->ebx >> 24, id);
		assert_int_equal(leaf(1, 0)->ebx >> 16 & 0xff, 1u << bits);
		assert_int_equal(leaf(1, 0)->ebx & 0xffff, 0x0800);
		check_topology(0xb, nr, bits, id);
		check_topology(0x1f, nr, bits, id);
	}
	assert_int_equal(!!(leaf(1, 0)->edx & BIT(28)), nr > 1);
	assert_int_equal(!!(leaf(1, 0)->ecx & BIT(24)), 1);
	assert_int_equal(!!(leaf(1, 0)->ecx & BIT(31)), 1);
	assert_int_equal(leaf(6, 0)->eax, 4);
	/* The first levels are each core's, the last is everybody's. */
	assert_int_equal(leaf(4, 0)->eax, 0x121 | ((1u << bits) - 1) << 26);
	assert_int_equal(leaf(4, 2)->eax, 0x143 | ((1u << bits) - 1) << 26);
	assert_int_equal(leaf(4, 3)->eax,
			 0x163 | ((1u << bits) - 1) << 14 | ((1u << bits) - 1) << 26);
	assert_int_equal(leaf(4, 4)->eax, 0);
}

static void intel_1(void **state)
{
	check_intel(1, 0);
}

static void intel_4(void **state)
{
	check_intel(4, 2);
}

static void intel_7(void **state)
{
	check_intel(7, 3);
}

static void intel_64(void **state)
{
	check_intel(64, 6);
}

static void intel_255(void **state)
{
	/* Fields too narrow for the number are at their most, not wrapped around. */
	x86_cpuid_set_common(cpuid, 255, 0, false);
	x86_cpuid_set_vcpu(cpuid, 254);
	assert_int_equal(leaf(1, 0)->ebx, 0xfeff0800);
	assert_int_equal(leaf(4, 0)->eax >> 26, 0x3f);
	assert_int_equal(leaf(4, 3)->eax >> 14 & 0xfff, 0xff);
	check_topology(0xb, 255, 8, 254);
}

static void kvm_leaves_stay(void **state)
{
	x86_cpuid_set_common(cpuid, 4, 2600000, true);
	x86_cpuid_set_vcpu(cpuid, 3);
	assert_int_equal(leaf(0x40000000, 0)->eax, 0x40000001);
	assert_int_equal(leaf(0x40000000, 0)->ebx, 0x4b4d564b);
	assert_int_equal(leaf(0x40000001, 0)->eax, 0x01007efb);
	assert_int_equal(leaf(0x40000001, 0)->edx, 0);
}

/* Linux: crystal kHz * numerator / denominator, in 32 bits. */
static void frequency(void **state)
{
	static const u32 rates[] = { 1000000, 2596142, 3800000, 999999, 4200001, 2112003, 800000 };

	for (unsigned i = 0; i < ARRAY_SIZE(rates); i++) {
		u32 khz;
		s64 off;

		release(state);
		intel(state);
		x86_cpuid_set_common(cpuid, 1, rates[i], true);
		assert_int_equal(leaf(0x15, 0)->ecx, 1000000000);
		assert_true((u64)1000000 * leaf(0x15, 0)->ebx <= UINT32_MAX);
		khz = leaf(0x15, 0)->ecx / 1000 * leaf(0x15, 0)->ebx / leaf(0x15, 0)->eax;
		off = (s64)khz - rates[i];
		assert_in_range(off + 2, 0, 4); /* kHz: a millionth */
		assert_int_equal(leaf(0x16, 0)->eax, (rates[i] + 500) / 1000);
		/* What the leaf says stays. */
		x86_cpuid_set_common(cpuid, 1, 1234567, true);
		assert_int_equal(leaf(0x16, 0)->eax, (rates[i] + 500) / 1000);
	}
}

static void check_amd(unsigned nr, unsigned bits)
{
	x86_cpuid_set_common(cpuid, nr, 2600000, true);
	for (unsigned id = 0; id < nr; id++) {
		x86_cpuid_set_vcpu(cpuid, id);
		assert_int_equal(leaf(1, 0)->ebx >> 24, id);
		check_topology(0xb, nr, bits, id);
		assert_int_equal(leaf(0x8000001e, 0)->eax, id);
		assert_int_equal(leaf(0x8000001e, 0)->ebx, id);
		assert_int_equal(leaf(0x8000001e, 0)->ecx, 0);
	}
	assert_int_equal(leaf(0x80000008, 0)->ecx, bits << 12 | (nr - 1));
	assert_int_equal(leaf(0x80000008, 0)->eax, 0x3030);
	assert_int_equal(!!(leaf(0x80000001, 0)->ecx & 2), nr > 1);
	assert_int_equal(leaf(0x8000001d, 0)->eax, 0x121);
	assert_int_equal(leaf(0x8000001d, 3)->eax, 0x163 | (nr - 1) << 14);
	assert_null(x86_cpuid_find(cpuid, 0x15, 0));
	assert_null(x86_cpuid_find(cpuid, 0x1f, 0));
}

static void amd_1(void **state)
{
	check_amd(1, 0);
}

static void amd_7(void **state)
{
	check_amd(7, 3);
}

static void amd_64(void **state)
{
	check_amd(64, 6);
}

static void amd_without_topoext(void **state)
{
	leaf(0x80000001, 0)->ecx &= ~BIT(22);
	x86_cpuid_set_common(cpuid, 4, 0, true);
	x86_cpuid_set_vcpu(cpuid, 3);
	assert_int_equal(leaf(0x8000001e, 0)->eax, 0);
	assert_int_equal(leaf(0x8000001e, 0)->ebx, 0);
}

static void physical_bits(void **state)
{
	assert_int_equal(x86_cpuid_phys_bits(cpuid), 0x27);
	leaf(0x80000008, 0)->eax = 48 << 16 | 52;
	assert_int_equal(x86_cpuid_phys_bits(cpuid), 48);
	leaf(0x80000008, 0)->eax = 0xff;
	assert_int_equal(x86_cpuid_phys_bits(cpuid), 52);
	leaf(0x80000000, 0)->eax = 0x80000004;
	assert_int_equal(x86_cpuid_phys_bits(cpuid), 36);
}

/* One bit of KVM's, for a guest whose page-state changes somebody answers. */
static void map_gpa_range_is_offered(void **state)
{
	x86_cpuid_offer_map_gpa_range(cpuid);
	assert_int_equal(leaf(0x40000001, 0)->eax, 0x01007efb | BIT(16));
	assert_int_equal(leaf(0x40000000, 0)->eax, 0x40000001);
	leaf(0x40000001, 0)->function = 0x40000100;
	x86_cpuid_offer_map_gpa_range(cpuid);
	assert_null(x86_cpuid_find(cpuid, 0x40000001, 0));
}

/* What is added has its space, however much KVM tells. */
static void full_table(void **state)
{
	while (cpuid->nent < X86_CPUID_MAX_ENTRIES)
		put(0x20000000 + cpuid->nent, 0, false, 0, 0, 0, 0);
	leaf(0, 0)->eax = 0x1f;
	x86_cpuid_set_common(cpuid, 4, 2600000, true);
	assert_int_equal(leaf(0x1f, 1)->ebx, 4);
	assert_int_equal(leaf(0x15, 0)->ecx, 1000000000);
}

int main(void)
{
#define INTEL(test) cmocka_unit_test_setup_teardown(test, intel, release)
#define AMD(test)   cmocka_unit_test_setup_teardown(test, amd, release)
	const struct CMUnitTest tests[] = {
		INTEL(intel_1),
		INTEL(intel_4),
		INTEL(intel_7),
		INTEL(intel_64),
		INTEL(intel_255),
		INTEL(frequency),
		AMD(amd_1),
		AMD(amd_7),
		AMD(amd_64),
		INTEL(kvm_leaves_stay),
		AMD(amd_without_topoext),
		INTEL(physical_bits),
		INTEL(map_gpa_range_is_offered),
		INTEL(full_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
