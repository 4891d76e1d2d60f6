/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What riscv64's KVM has that older kernel headers (6.1, 6.12) lack. Numbers of extensions are in riscv/. */
#ifndef UAPI_KVM_RISCV_H
#define UAPI_KVM_RISCV_H

#include <linux/kvm.h>

#ifndef KVM_DEV_TYPE_RISCV_AIA
#define KVM_DEV_TYPE_RISCV_AIA 11
#endif

/* struct kvm_riscv_config's zicbop_block_size, in words */
#define KVM_REG_RISCV_CONFIG_ZICBOP_BLOCK_SIZE 7

#endif
