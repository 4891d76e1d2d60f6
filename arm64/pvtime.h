/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steal time (Arm DEN 0057): a guest learns how long its CPUs waited for one of the host's from a record
 * for each, which KVM writes. The records are RAM of their own, told to the guest by KVM's hypercalls and
 * not in its memory map. Main thread.
 */
#ifndef ARM64_PVTIME_H
#define ARM64_PVTIME_H

struct vm;
struct vcpu;

/*
 * Before vm_map_memory(): makes space for the records if this guest gets any. Logs and returns
 * -errno on failure.
 */
int pvtime_lay_out(struct vm *vm);

/* After KVM_ARM_VCPU_INIT: tells KVM where the vCPU's record is. Logs and returns -errno on failure. */
int pvtime_init(struct vcpu *vcpu);

#endif
