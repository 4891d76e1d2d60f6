/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What arm64's KVM has that the oldest supported kernel headers (6.1) do not name. */
#ifndef UAPI_KVM_ARM64_H
#define UAPI_KVM_ARM64_H

#include <linux/kvm.h>

#ifndef KVM_CAP_COUNTER_OFFSET
#define KVM_CAP_COUNTER_OFFSET 227
struct kvm_arm_counter_offset {
	__u64 counter_offset;
	__u64 reserved;
};
#define KVM_ARM_SET_COUNTER_OFFSET _IOW(KVMIO, 0xb5, struct kvm_arm_counter_offset)
#endif

#ifndef KVM_CAP_ARM_EL2
#define KVM_CAP_ARM_EL2	     240
#define KVM_CAP_ARM_EL2_E2H0 241
#endif

#ifndef KVM_ARM_VCPU_HAS_EL2
#define KVM_ARM_VCPU_HAS_EL2 7
#endif
#ifndef KVM_ARM_VCPU_HAS_EL2_E2H0
#define KVM_ARM_VCPU_HAS_EL2_E2H0 8
#endif

#ifndef KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ
#define KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ 9
#endif

#ifndef KVM_ARM_VM_SMCCC_CTRL
#define KVM_ARM_VM_SMCCC_CTRL	0
#define KVM_ARM_VM_SMCCC_FILTER 0

enum kvm_smccc_filter_action {
	KVM_SMCCC_FILTER_HANDLE = 0,
	KVM_SMCCC_FILTER_DENY,
	KVM_SMCCC_FILTER_FWD_TO_USER,
};

struct kvm_smccc_filter {
	__u32 base;
	__u32 nr_functions;
	__u8 action;
	__u8 pad[15];
};
#endif

#ifndef PSCI_1_3_FN_SYSTEM_OFF2
#define PSCI_1_3_FN_SYSTEM_OFF2		PSCI_0_2_FN(21)
#define PSCI_1_3_FN64_SYSTEM_OFF2	PSCI_0_2_FN64(21)
#define PSCI_1_3_OFF_TYPE_HIBERNATE_OFF 1
#endif

#ifndef KVM_CAP_ARM_SYSTEM_SUSPEND
#define KVM_CAP_ARM_SYSTEM_SUSPEND 216
#endif
#ifndef KVM_MP_STATE_SUSPENDED
#define KVM_MP_STATE_SUSPENDED 10
#endif

#ifndef KVM_VM_TYPE_ARM_PROTECTED
#define KVM_VM_TYPE_ARM_PROTECTED (1UL << 31)
#endif

#ifndef KVM_SYSTEM_EVENT_WAKEUP
#define KVM_SYSTEM_EVENT_WAKEUP	 4
#define KVM_SYSTEM_EVENT_SUSPEND 5
#endif

#endif
