// SPDX-License-Identifier: GPL-2.0-or-later
#include <asm/kvm_para.h>
#include <stdlib.h>
#include <string.h>

#include "cpuid.h"

#define LEAF_VENDOR	  0x0
#define LEAF_FEATURES	  0x1
#define LEAF_CACHES	  0x4
#define LEAF_POWER	  0x6
#define LEAF_TOPOLOGY	  0xb
#define LEAF_TSC	  0x15
#define LEAF_FREQUENCY	  0x16
#define LEAF_TOPOLOGY_2	  0x1f
#define LEAF_EXT_MAX	  0x80000000
#define LEAF_EXT_FEATURES 0x80000001
#define LEAF_EXT_SIZES	  0x80000008
#define LEAF_AMD_CACHES	  0x8000001d
#define LEAF_AMD_TOPOLOGY 0x8000001e
#define LEAF_ENCRYPTION	  0x8000001f

#define FEATURES_ECX_TSC_DEADLINE BIT(24)
#define FEATURES_ECX_HYPERVISOR	  BIT(31)
#define FEATURES_EDX_HTT	  BIT(28)
#define POWER_EAX_ARAT		  BIT(2)
#define EXT_ECX_CMP_LEGACY	  BIT(1)
#define EXT_ECX_TOPOEXT		  BIT(22)
#define ENCRYPTION_EBX_C_BIT	  0x3f

/* KVM's local APIC timer counts nanoseconds; Linux takes leaf 0x15's crystal for that clock. */
#define CRYSTAL_HZ 1000000000U

/* Entries that x86_cpuid_set_common() may add: two for each leaf of topology, two for frequencies. */
#define MAX_ADDED 6

enum vendor { VENDOR_OTHER, VENDOR_INTEL, VENDOR_AMD };

struct kvm_cpuid2 *x86_cpuid_new(void)
{
	unsigned nr = X86_CPUID_MAX_ENTRIES + MAX_ADDED;
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + nr * sizeof(*cpuid->entries));

	if (cpuid)
		cpuid->nent = X86_CPUID_MAX_ENTRIES;
	return cpuid;
}

struct kvm_cpuid_entry2 *x86_cpuid_find(struct kvm_cpuid2 *cpuid, u32 function, u32 index)
{
	for (u32 i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function == function &&
		    (entry->index == index || !(entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX)))
			return entry;
	}
	return NULL;
}

static struct kvm_cpuid_entry2 *find_or_add(struct kvm_cpuid2 *cpuid, u32 function, u32 index,
					    bool indexed)
{
	struct kvm_cpuid_entry2 *entry = x86_cpuid_find(cpuid, function, index);

	if (entry && (!indexed || entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX))
		return entry;
	entry = &cpuid->entries[cpuid->nent++];
	memset(entry, 0, sizeof(*entry));
	entry->function = function;
	entry->index = index;
	entry->flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
	return entry;
}

static u32 max_leaf(struct kvm_cpuid2 *cpuid, u32 first)
{
	struct kvm_cpuid_entry2 *entry = x86_cpuid_find(cpuid, first, 0);

	return entry ? entry->eax : 0;
}

static enum vendor cpuid_vendor(struct kvm_cpuid2 *cpuid)
{
	struct kvm_cpuid_entry2 *entry = x86_cpuid_find(cpuid, LEAF_VENDOR, 0);
	char name[12];

	if (!entry)
		return VENDOR_OTHER;
	memcpy(name, &entry->ebx, 4);
	memcpy(name + 4, &entry->edx, 4);
	memcpy(name + 8, &entry->ecx, 4);
	if (!memcmp(name, "GenuineIntel", 12))
		return VENDOR_INTEL;
	if (!memcmp(name, "AuthenticAMD", 12) || !memcmp(name, "HygonGenuine", 12))
		return VENDOR_AMD;
	return VENDOR_OTHER;
}

/* Bits that an APIC id needs to tell `nr` CPUs apart. */
static unsigned id_bits(unsigned nr)
{
	unsigned bits = 0;

	while (BIT(bits) < nr)
		bits++;
	return bits;
}

unsigned x86_cpuid_phys_bits(struct kvm_cpuid2 *cpuid)
{
	struct kvm_cpuid_entry2 *entry = NULL;
	unsigned bits = 36, guest_bits;

	if (max_leaf(cpuid, LEAF_EXT_MAX) >= LEAF_EXT_SIZES)
		entry = x86_cpuid_find(cpuid, LEAF_EXT_SIZES, 0);
	if (entry && (entry->eax & 0xff))
		bits = entry->eax & 0xff;
	/* What nested paging reaches, where it is less; newer kernels tell. */
	guest_bits = entry ? entry->eax >> 16 & 0xff : 0;
	if (guest_bits)
		bits = MIN(bits, guest_bits);
	return MIN(bits, 52u);
}

unsigned x86_cpuid_c_bit(struct kvm_cpuid2 *cpuid)
{
	struct kvm_cpuid_entry2 *entry = x86_cpuid_find(cpuid, LEAF_ENCRYPTION, 0);

	return entry ? entry->ebx & ENCRYPTION_EBX_C_BIT : 0;
}

/* Does leaf 0x15 exist but say nothing? */
static bool wants_frequency(struct kvm_cpuid2 *cpuid)
{
	struct kvm_cpuid_entry2 *entry;

	/* Others calibrate in their own way, and would take the leaf for something else. */
	if (cpuid_vendor(cpuid) != VENDOR_INTEL || max_leaf(cpuid, LEAF_VENDOR) < LEAF_TSC)
		return false;
	entry = x86_cpuid_find(cpuid, LEAF_TSC, 0);
	return !entry || !entry->eax || !entry->ebx || !entry->ecx;
}

static u64 cpuid_distance(u64 num, u64 den, u64 p, u64 q)
{
	u64 left = num * q, right = p * den;

	return left > right ? left - right : right - left;
}

/*
 * The fraction nearest to num/den whose numerator is at most `max`, a few thousand. Linux multiplies the crystal's
 * kHz by the numerator in 32 bits, so the exact one would overflow there.
 */
static void cpuid_approximate(u64 num, u64 den, u64 max, u32 *best_p, u32 *best_q)
{
	u64 best = UINT64_MAX;

	*best_p = *best_q = 1;
	for (u64 p = 1; p <= max; p++) {
		u64 q = (p * den + num / 2) / num, off = cpuid_distance(num, den, p, q);

		/* What it is off is off / q, as a part of 1 / den. */
		if (!q || (best != UINT64_MAX && off * *best_q >= best * q))
			continue;
		best = off;
		*best_p = p;
		*best_q = q;
	}
}

static void set_frequency(struct kvm_cpuid2 *cpuid, u32 tsc_khz)
{
	struct kvm_cpuid_entry2 *entry;
	u32 p, q;

	if (!tsc_khz || !wants_frequency(cpuid))
		return;
	cpuid_approximate(tsc_khz, CRYSTAL_HZ / 1000, UINT32_MAX / (CRYSTAL_HZ / 1000), &p, &q);
	entry = find_or_add(cpuid, LEAF_TSC, 0, false);
	entry->eax = q;
	entry->ebx = p;
	entry->ecx = CRYSTAL_HZ;
	if (max_leaf(cpuid, LEAF_VENDOR) < LEAF_FREQUENCY)
		return;
	entry = find_or_add(cpuid, LEAF_FREQUENCY, 0, false);
	if (!entry->eax) {
		entry->eax = entry->ebx = (tsc_khz + 500) / 1000;
		entry->ecx = 100; /* the bus clock that such processors have, MHz */
	}
}

/* Levels: one thread in a core, all cores in the package. */
static void set_topology(struct kvm_cpuid2 *cpuid, u32 leaf, unsigned nr_cpus)
{
	struct kvm_cpuid_entry2 *entry;

	if (max_leaf(cpuid, LEAF_VENDOR) < leaf)
		return;
	entry = find_or_add(cpuid, leaf, 0, true);
	entry->eax = 0;
	entry->ebx = 1;
	entry->ecx = 1 << 8 | 0;
	entry = find_or_add(cpuid, leaf, 1, true);
	entry->eax = id_bits(nr_cpus);
	entry->ebx = nr_cpus;
	entry->ecx = 2 << 8 | 1;
}

/* Bits 25..14 say how many ids share a cache, less one; only the last level is everybody's. */
static void set_cache_sharing(struct kvm_cpuid2 *cpuid, u32 leaf, u32 sharing, u32 cores)
{
	for (u32 i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function != leaf || !(entry->eax & 0x1f))
			continue;
		entry->eax &= leaf == LEAF_CACHES ? 0x3fff : ~(0xfffu << 14);
		if ((entry->eax >> 5 & 7) >= 3)
			entry->eax |= MIN(sharing, 0xfffu) << 14;
		if (leaf == LEAF_CACHES)
			entry->eax |= MIN(cores, 0x3fu) << 26;
	}
}

static void set_amd(struct kvm_cpuid2 *cpuid, unsigned nr_cpus)
{
	struct kvm_cpuid_entry2 *sizes = x86_cpuid_find(cpuid, LEAF_EXT_SIZES, 0);
	struct kvm_cpuid_entry2 *features = x86_cpuid_find(cpuid, LEAF_EXT_FEATURES, 0);

	if (sizes)
		sizes->ecx =
			(sizes->ecx & ~0xf0ffu) | id_bits(nr_cpus) << 12 | MIN(nr_cpus - 1, 0xffu);
	if (features) {
		features->ecx &= ~EXT_ECX_CMP_LEGACY;
		if (nr_cpus > 1)
			features->ecx |= EXT_ECX_CMP_LEGACY;
	}
	set_cache_sharing(cpuid, LEAF_AMD_CACHES, nr_cpus - 1, 0);
}

void x86_cpuid_set_common(struct kvm_cpuid2 *cpuid, unsigned nr_cpus, u32 tsc_khz,
			  bool tsc_deadline)
{
	struct kvm_cpuid_entry2 *entry = x86_cpuid_find(cpuid, LEAF_FEATURES, 0);
	u32 ids = BIT(id_bits(nr_cpus));

	if (entry) {
		entry->ecx |= FEATURES_ECX_HYPERVISOR;
		if (tsc_deadline)
			entry->ecx |= FEATURES_ECX_TSC_DEADLINE;
		entry->edx &= ~FEATURES_EDX_HTT;
		if (nr_cpus > 1)
			entry->edx |= FEATURES_EDX_HTT;
		entry->ebx = (entry->ebx & 0x0000ffff) | MIN(ids, 0xffu) << 16;
	}
	entry = x86_cpuid_find(cpuid, LEAF_POWER, 0);
	if (entry)
		entry->eax |= POWER_EAX_ARAT; /* KVM's APIC timer never stops */
	if (cpuid_vendor(cpuid) == VENDOR_AMD)
		set_amd(cpuid, nr_cpus);
	else
		set_cache_sharing(cpuid, LEAF_CACHES, ids - 1, ids - 1);
	set_topology(cpuid, LEAF_TOPOLOGY, nr_cpus);
	set_topology(cpuid, LEAF_TOPOLOGY_2, nr_cpus);
	set_frequency(cpuid, tsc_khz);
}

void x86_cpuid_offer_map_gpa_range(struct kvm_cpuid2 *cpuid)
{
	struct kvm_cpuid_entry2 *entry = x86_cpuid_find(cpuid, KVM_CPUID_FEATURES, 0);

	if (entry)
		entry->eax |= BIT(KVM_FEATURE_HC_MAP_GPA_RANGE);
}

void x86_cpuid_set_vcpu(struct kvm_cpuid2 *cpuid, unsigned apic_id)
{
	struct kvm_cpuid_entry2 *features = x86_cpuid_find(cpuid, LEAF_EXT_FEATURES, 0);
	bool topoext =
		cpuid_vendor(cpuid) == VENDOR_AMD && features && features->ecx & EXT_ECX_TOPOEXT;

	for (u32 i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		switch (entry->function) {
		case LEAF_FEATURES:
			entry->ebx = (entry->ebx & 0x00ffffff) | apic_id << 24;
			break;
		case LEAF_TOPOLOGY:
		case LEAF_TOPOLOGY_2:
			entry->edx = apic_id;
			break;
		case LEAF_AMD_TOPOLOGY:
			entry->eax = topoext ? apic_id : 0;
			entry->ebx = topoext ? apic_id & 0xff : 0; /* core id; one thread each */
			entry->ecx = 0;				   /* one node */
			break;
		}
	}
}
