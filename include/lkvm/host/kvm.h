/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first two steps with /dev/kvm, which every command that needs it takes and which go wrong in the
 * same ways: they log what went wrong, with what would help. Main thread.
 */
#ifndef LKVM_HOST_KVM_H
#define LKVM_HOST_KVM_H

#include "lkvm/util/types.h"

/* Opens /dev/kvm and checks its API version. The caller's descriptor, or -errno. */
int kvm_open(void);

/* KVM_CREATE_VM; type is what arch_vm_type() gave. The caller's descriptor, or -errno. */
int kvm_create_vm(int kvm_fd, unsigned long type);

#endif
