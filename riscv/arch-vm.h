/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of riscv/ share about one guest. Main thread unless said otherwise. */
#ifndef RISCV_ARCH_VM_H
#define RISCV_ARCH_VM_H

#include <linux/kvm.h>
#include "lkvm/config/config.h"
#include "lkvm/devicetree/ram-boot.h"
#include "lkvm/vm/vm.h"
#include "irqchip.h"

struct arch_vm {
	struct irqchip irqchip;
	struct ram_boot boot;
	gpa_t window64_end; /* see ram-board.h */
	bool used;	    /* arch_reset was here before */
};

/*
 * riscv/reset-state.c: what the vCPU's registers are as KVM made them, for KVMs that have no reset to offer.
 * reset_state_keep: once its features are chosen. reset_state_restore: vCPU parked. Logs and returns -errno on failure.
 */
int reset_state_keep(struct vcpu *vcpu);
int reset_state_restore(struct vcpu *vcpu);

#endif
