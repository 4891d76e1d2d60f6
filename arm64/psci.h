/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power states of a guest and its CPUs (Arm DEN 0022, PSCI). Either KVM serves the guest's calls, the
 * default, or, with --psci, lkvm does: KVM hands them on (KVM_ARM_VM_SMCCC_FILTER), and a CPU that is off
 * is a thread that waits here. KVM leaves a suspension of the whole guest to lkvm either way.
 */
#ifndef ARM64_PSCI_H
#define ARM64_PSCI_H

#include "lkvm/arch.h"

/*
 * Main thread, before vCPUs: --psci, or a complaint about this KVM; and that guests may suspend.
 * Logs and returns -errno on failure.
 */
int psci_setup(struct vm *vm);

/* Main thread, before each boot of the guest, vCPUs parked or not running yet: which vCPUs are on. */
void psci_reset(struct vm *vm);

/* vCPU thread: KVM_EXIT_HYPERCALL, which is one of ours. */
enum exit_action psci_call(struct vcpu *vcpu);

/*
 * vCPU thread: the guest wants to sleep until an interrupt comes (KVM_SYSTEM_EVENT_SUSPEND), and one has
 * come (KVM_SYSTEM_EVENT_WAKEUP).
 */
enum exit_action psci_system_suspend(struct vcpu *vcpu);
enum exit_action psci_wake_up(struct vcpu *vcpu);

#endif
