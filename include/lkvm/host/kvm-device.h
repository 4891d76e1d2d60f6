/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KVM's own devices and attributes. */
#ifndef LKVM_HOST_KVM_DEVICE_H
#define LKVM_HOST_KVM_DEVICE_H

#include "lkvm/util/types.h"

/* What KVM_CREATE_DEVICE makes, a KVM_DEV_TYPE_*. Logs nothing. */
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
