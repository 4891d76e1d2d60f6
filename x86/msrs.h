/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of model-specific registers, laid out as KVM_GET_MSRS and KVM_SET_MSRS want it. */
#ifndef X86_MSRS_H
#define X86_MSRS_H

#include <linux/kvm.h>
#include "lkvm/util/types.h"

#define MSR_UCODE_REV 0x8b

/* KVM knows about 120 today. */
#define X86_MAX_MSRS 512

struct x86_msrs {
	u32 nmsrs;
	u32 pad;
	struct kvm_msr_entry entries[X86_MAX_MSRS];
};
_Static_assert(offsetof(struct x86_msrs, entries) == sizeof(struct kvm_msrs), "kvm_msrs");

#endif
