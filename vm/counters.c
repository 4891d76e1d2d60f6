// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/vm/counters.h"
#include "uapi/kvm.h"

const struct counter_name counter_names[COUNTER_NR] = {
	[COUNTER_CONVERSIONS_PRIVATE] = { "conversions_to_private", "conversions to private" },
	[COUNTER_CONVERSIONS_SHARED] = { "conversions_to_shared", "conversions to shared" },
	[COUNTER_CONVERSIONS_REFUSED] = { "conversions_refused", "conversions refused" },
	[COUNTER_CONVERSIONS_BY_ACCESS] = { "conversions_by_access", "conversions by accesses" },
	[COUNTER_CONVERTED_BYTES] = { "converted_bytes", "bytes converted" },
	[COUNTER_HYPERCALLS] = { "hypercalls", "hypercalls" },
	[COUNTER_MEMORY_FAULTS] = { "memory_faults", "memory faults" },
	[COUNTER_PREFAULTED_PAGES] = { "prefaulted_pages", "pages pre-faulted" },
	[COUNTER_PREFAULT_FAILURES] = { "prefault_failures", "pre-fault failures" },
};

const struct counter_name counter_word_names[COUNTER_WORD_NR] = {
	[COUNTER_WORD_BACKEND] = { "memory_backend", "memory back end" },
	[COUNTER_WORD_POPULATION] = { "memory_population", "memory populated by" },
};

#define LAST_REASON 43

/* By number where Linux 6.1's headers have no name yet. Numbers of machines that lkvm knows nothing of have none. */
static const char *const reasons[LAST_REASON + 1] = {
	[KVM_EXIT_UNKNOWN] = "unknown",
	[KVM_EXIT_EXCEPTION] = "exception",
	[KVM_EXIT_IO] = "io",
	[KVM_EXIT_HYPERCALL] = "hypercall",
	[KVM_EXIT_DEBUG] = "debug",
	[KVM_EXIT_HLT] = "hlt",
	[KVM_EXIT_MMIO] = "mmio",
	[KVM_EXIT_IRQ_WINDOW_OPEN] = "irq_window_open",
	[KVM_EXIT_SHUTDOWN] = "shutdown",
	[KVM_EXIT_FAIL_ENTRY] = "fail_entry",
	[KVM_EXIT_INTR] = "intr",
	[KVM_EXIT_SET_TPR] = "set_tpr",
	[KVM_EXIT_TPR_ACCESS] = "tpr_access",
	[KVM_EXIT_NMI] = "nmi",
	[KVM_EXIT_INTERNAL_ERROR] = "internal_error",
	[KVM_EXIT_WATCHDOG] = "watchdog",
	[KVM_EXIT_SYSTEM_EVENT] = "system_event",
	[KVM_EXIT_IOAPIC_EOI] = "ioapic_eoi",
	[KVM_EXIT_HYPERV] = "hyperv",
	[KVM_EXIT_ARM_NISV] = "arm_nisv",
	[KVM_EXIT_X86_RDMSR] = "x86_rdmsr",
	[KVM_EXIT_X86_WRMSR] = "x86_wrmsr",
	[KVM_EXIT_DIRTY_RING_FULL] = "dirty_ring_full",
	[KVM_EXIT_AP_RESET_HOLD] = "ap_reset_hold",
	[KVM_EXIT_X86_BUS_LOCK] = "x86_bus_lock",
	[KVM_EXIT_XEN] = "xen",
	[KVM_EXIT_RISCV_SBI] = "riscv_sbi",
	[KVM_EXIT_RISCV_CSR] = "riscv_csr",
	[KVM_EXIT_NOTIFY] = "notify",
	[KVM_EXIT_MEMORY_FAULT] = "memory_fault",
	[40] = "tdx",
	[41] = "arm_sea",
	[42] = "arm_ldst64b",
	[43] = "snp_req_certs",
};
_Static_assert(LAST_REASON < EXIT_REASON_MAX, "the last one is for all others");

struct exit_counters *exit_counters_create(unsigned nr_vcpus)
{
	size_t size = nr_vcpus * sizeof(struct exit_counters);
	struct exit_counters *exits = aligned_alloc(CACHE_LINE, size);

	if (exits)
		memset(exits, 0, size);
	return exits;
}

const char *exit_reason_name(unsigned reason, char buffer[EXIT_NAME_SIZE])
{
	if (reason < ARRAY_SIZE(reasons) && reasons[reason])
		return reasons[reason];
	if (reason >= EXIT_REASON_MAX)
		return "other";
	snprintf(buffer, EXIT_NAME_SIZE, "reason_%u", reason);
	return buffer;
}
