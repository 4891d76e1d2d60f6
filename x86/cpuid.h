/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's CPUID says: KVM's supported set, with what only the VMM knows put right: how many CPUs there
 * are and which one this is (one package, a core each), and clock rates. KVM's own leaves from
 * 0x40000000 are left as they are, but for one bit that is ours to set. Pure: tables in, tables out.
 */
#ifndef X86_CPUID_H
#define X86_CPUID_H

#include <linux/kvm.h>
#include "lkvm/util/types.h"

/* From KVM; it takes 256, and a few are added here. */
#define X86_CPUID_MAX_ENTRIES 250

/* Space for X86_CPUID_MAX_ENTRIES, and what x86_cpuid_set_common() adds; free() it. NULL: no memory. */
struct kvm_cpuid2 *x86_cpuid_new(void);

struct kvm_cpuid_entry2 *x86_cpuid_find(struct kvm_cpuid2 *cpuid, u32 function, u32 index);

/* How many bits a physical address has, by the CPU's word; 36 when nobody tells. */
unsigned x86_cpuid_phys_bits(struct kvm_cpuid2 *cpuid);

/* The C-bit, by which a page table entry says that its page is encrypted; 0: this CPU has none. */
unsigned x86_cpuid_c_bit(struct kvm_cpuid2 *cpuid);

/* What is the same for all vCPUs, in a table of x86_cpuid_new(). tsc_khz, the TSC's rate, 0: unknown. */
void x86_cpuid_set_common(struct kvm_cpuid2 *cpuid, unsigned nr_cpus, u32 tsc_khz,
			  bool tsc_deadline);

/* Tells the guest of KVM_HC_MAP_GPA_RANGE, in KVM's own leaf: it is offered by whoever answers it. */
void x86_cpuid_offer_map_gpa_range(struct kvm_cpuid2 *cpuid);

/* What only this vCPU says: its APIC id. After x86_cpuid_set_common(). */
void x86_cpuid_set_vcpu(struct kvm_cpuid2 *cpuid, unsigned apic_id);

#endif
