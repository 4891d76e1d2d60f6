/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first two steps with /dev/kvm, which every command that needs it takes and which go wrong in the
 * same ways: what went wrong has been said, with what would help. Then KVM's own devices. Main thread.
 */
#ifndef LKVM_HOST_KVM_H
#define LKVM_HOST_KVM_H

#include "lkvm/util/types.h"

/* Opens /dev/kvm and checks its API version. The caller's descriptor, or -errno. */
int kvm_open(void);

/* KVM_CREATE_VM; type is what arch_vm_type() gave. The caller's descriptor, or -errno. */
int kvm_create_vm(int kvm_fd, unsigned long type);

/* host/kvm-device.c: what KVM_CREATE_DEVICE makes, a KVM_DEV_TYPE_*. Nothing is said. */
bool kvm_has_device(int vm_fd, u32 type);
/* The caller's descriptor, or -errno. */
int kvm_device_create(int vm_fd, u32 type);
/*
 * Attributes, of devices and of all else that has them (a VM, a vCPU); value is what the attribute's
 * documentation says. 0 or -errno.
 */
bool kvm_device_has(int fd, u32 group, u64 attr);
int kvm_device_set(int fd, u32 group, u64 attr, const void *value);
int kvm_device_get(int fd, u32 group, u64 attr, void *value);

#endif
