/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of KVM's interface that Linux 6.1's headers lack; beside them the Linux that has them first. */
#ifndef LKVM_UAPI_KVM_H
#define LKVM_UAPI_KVM_H

#include <linux/kvm.h>

#ifndef KVM_CAP_USER_MEMORY2
#define KVM_CAP_USER_MEMORY2	  231 /* 6.8 */
#define KVM_CAP_MEMORY_ATTRIBUTES 233
#define KVM_CAP_GUEST_MEMFD	  234
#define KVM_CAP_VM_TYPES	  235
#endif
#ifndef KVM_CAP_PRE_FAULT_MEMORY
#define KVM_CAP_PRE_FAULT_MEMORY 236 /* 6.11 */
#endif
#ifndef KVM_CAP_GUEST_MEMFD_FLAGS
#define KVM_CAP_GUEST_MEMFD_FLAGS 244 /* 6.18 */
#endif

#endif
