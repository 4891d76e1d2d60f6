/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vCPU's registers by KVM's numbers. */
#ifndef LKVM_VM_REGISTERS_H
#define LKVM_VM_REGISTERS_H

#include "lkvm/util/types.h"

struct vcpu;

/*
 * One register of 64 bits by KVM's number for it (KVM_GET_ONE_REG, KVM_SET_ONE_REG). The vCPU's
 * thread, or any while it is parked. 0 or -errno, logs nothing.
 */
int vcpu_get_register(struct vcpu *vcpu, u64 id, u64 *value);
int vcpu_set_register(struct vcpu *vcpu, u64 id, u64 value);

/* Logs that something failed for the vCPU: "KVM does not ..."; returns err, a -errno. */
int vcpu_failed(const struct vcpu *vcpu, const char *what, int err);

#endif
