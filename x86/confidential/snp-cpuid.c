// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "snp-cpuid.h"

#define LEAF_XSAVE	0xd
#define XSAVE_BASE_SIZE 0x240 /* with XCR0 1: what a vCPU begins with */

/* What KVM gives a guest by other ways than the processor's, and the security processor refuses. */
static const struct {
	u32 leaf, index;
	u32 ebx, ecx, edx;
} hidden[] = {
	{ .leaf = 0x1, .ecx = BIT(24) /* TSC-deadline timer */ },
	{ .leaf = 0x7,
	  .ebx = BIT(1), /* TSC_ADJUST */
	  /* SPEC_CTRL, STIBP, flush of L1D, ARCH_CAPABILITIES, CORE_CAPABILITIES, SSBD */
	  .edx = BIT(26) | BIT(27) | BIT(28) | BIT(29) | BIT(30) | BIT(31) },
	{ .leaf = 0x80000008, .ebx = BIT(25) /* VIRT_SSBD */ },
};

static void snp_cpuid_hide(struct kvm_cpuid_entry2 *entry)
{
	for (unsigned i = 0; i < ARRAY_SIZE(hidden); i++) {
		if (entry->function != hidden[i].leaf || entry->index != hidden[i].index)
			continue;
		entry->ebx &= ~hidden[i].ebx;
		entry->ecx &= ~hidden[i].ecx;
		entry->edx &= ~hidden[i].edx;
	}
}

int snp_cpuid_build(struct snp_cpuid_page *page, const struct kvm_cpuid2 *cpuid)
{
	u32 count = 0;

	memset(page, 0, sizeof(*page));
	for (u32 i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 entry = cpuid->entries[i];
		bool xsave = entry.function == LEAF_XSAVE && entry.index < 2;

		snp_cpuid_hide(&entry);
		if (!entry.eax && !entry.ebx && !entry.ecx && !entry.edx)
			continue;
		if (count == SNP_CPUID_MAX)
			return -ENOSPC;
		/* The guest adds up the rest from what each state component takes. */
		page->functions[count++] = (struct snp_cpuid_function){
			.eax_in = htole32(entry.function),
			.ecx_in = htole32(entry.index),
			.xcr0_in = htole64(xsave),
			.eax = htole32(entry.eax),
			.ebx = htole32(xsave ? XSAVE_BASE_SIZE : entry.ebx),
			.ecx = htole32(entry.ecx),
			.edx = htole32(entry.edx),
		};
	}
	page->count = htole32(count);
	return 0;
}

static unsigned snp_cpuid_differences(const struct snp_cpuid_function *a,
				      const struct snp_cpuid_function *b, struct text *text)
{
	const struct {
		const char *name;
		bool differs;
	} registers[] = {
		{ "EAX", a->eax != b->eax },
		{ "EBX", a->ebx != b->ebx },
		{ "ECX", a->ecx != b->ecx },
		{ "EDX", a->edx != b->edx },
	};
	unsigned nr = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++) {
		if (!registers[i].differs)
			continue;
		text_add(text, "%s0x%x", text->len ? ", " : "", le32toh(a->eax_in));
		if (a->ecx_in)
			text_add(text, ".%u", le32toh(a->ecx_in));
		text_add(text, " %s", registers[i].name);
		nr++;
	}
	return nr;
}

unsigned snp_cpuid_compare(const struct snp_cpuid_page *ours, const struct snp_cpuid_page *theirs,
			   struct text *differences)
{
	unsigned nr = 0;

	for (u32 i = 0; i < MIN(le32toh(ours->count), (u32)SNP_CPUID_MAX); i++)
		nr += snp_cpuid_differences(&ours->functions[i], &theirs->functions[i],
					    differences);
	return nr;
}
