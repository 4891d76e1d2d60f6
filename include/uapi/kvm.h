/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of KVM's interface that Linux 6.1's headers lack; beside them the Linux that has them first. */
#ifndef LKVM_UAPI_KVM_H
#define LKVM_UAPI_KVM_H

#include <linux/kvm.h>

#include <linux/types.h>

#ifndef KVM_CAP_USER_MEMORY2
#define KVM_CAP_USER_MEMORY2	  231 /* 6.8 */
#define KVM_CAP_MEMORY_FAULT_INFO 232
#define KVM_CAP_MEMORY_ATTRIBUTES 233
#define KVM_CAP_GUEST_MEMFD	  234
#define KVM_CAP_VM_TYPES	  235

#define KVM_EXIT_MEMORY_FAULT		  39
#define KVM_MEMORY_EXIT_FLAG_PRIVATE	  (1ULL << 3)
#define KVM_MEM_GUEST_MEMFD		  (1UL << 2)
#define KVM_MEMORY_ATTRIBUTE_PRIVATE	  (1ULL << 3)
#define KVM_SET_USER_MEMORY_REGION2	  _IOW(KVMIO, 0x49, struct kvm_userspace_memory_region2)
#define KVM_SET_MEMORY_ATTRIBUTES	  _IOW(KVMIO, 0xd2, struct kvm_memory_attributes)
#define KVM_CREATE_GUEST_MEMFD		  _IOWR(KVMIO, 0xd4, struct kvm_create_guest_memfd)

struct kvm_userspace_memory_region2 {
	__u32 slot;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size; /* bytes */
	__u64 userspace_addr;
	__u64 guest_memfd_offset;
	__u32 guest_memfd;
	__u32 pad1;
	__u64 pad2[14];
};

struct kvm_memory_attributes {
	__u64 address;
	__u64 size;
	__u64 attributes;
	__u64 flags;
};

struct kvm_create_guest_memfd {
	__u64 size;
	__u64 flags;
	__u64 reserved[6];
};
#endif

/* kvm_run's memory_fault, where newer headers have it: at the beginning of its union. */
struct kvm_exit_memory_fault {
	__u64 flags;
	__u64 gpa;
	__u64 size;
};
_Static_assert(sizeof(struct kvm_exit_memory_fault) <=
		       sizeof(((struct kvm_run *)0)->padding),
	       "within the union");

_Static_assert(sizeof(struct kvm_userspace_memory_region2) == 160, "as the kernel has it");
_Static_assert(sizeof(struct kvm_memory_attributes) == 32, "as the kernel has it");
_Static_assert(sizeof(struct kvm_create_guest_memfd) == 64, "as the kernel has it");

#ifndef KVM_CAP_PRE_FAULT_MEMORY
#define KVM_CAP_PRE_FAULT_MEMORY 236 /* 6.11 */
#define KVM_PRE_FAULT_MEMORY	 _IOWR(KVMIO, 0xd5, struct kvm_pre_fault_memory)

struct kvm_pre_fault_memory {
	__u64 gpa;
	__u64 size;
	__u64 flags;
	__u64 padding[5];
};
#endif
_Static_assert(sizeof(struct kvm_pre_fault_memory) == 64, "as the kernel has it");

#ifndef KVM_CAP_GUEST_MEMFD_FLAGS
#define KVM_CAP_GUEST_MEMFD_FLAGS	 244 /* 6.18 */
#define GUEST_MEMFD_FLAG_MMAP		 (1ULL << 0)
#define GUEST_MEMFD_FLAG_INIT_SHARED	 (1ULL << 1)
#endif

#endif
