/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pre-faulting guest memory (KVM_PRE_FAULT_MEMORY). */
#ifndef LKVM_VM_PREFAULT_H
#define LKVM_VM_PREFAULT_H

#include "lkvm/util/types.h"

struct vcpu;

/*
 * Has KVM map [gpa, gpa + size) for the vCPU, on its thread, as far as it can; *pages is how
 * many of CONVERSION_PAGE it did. -ECANCELED: the vCPU is wanted elsewhere; otherwise KVM's last answer.
 */
int vcpu_prefault(struct vcpu *vcpu, gpa_t gpa, u64 size, u64 *pages);

#endif
