/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of riscv/ share about one guest. Main thread unless said otherwise. */
#ifndef RISCV_VM_H
#define RISCV_VM_H

#include <linux/kvm.h>
#include "lkvm/config/config.h"
#include "lkvm/boot/fdt.h"
#include "lkvm/pci/pci.h"
#include "lkvm/boot/ram-boot.h"
#include "lkvm/vm/vm.h"
#include "irqchip.h"

struct arch_vm {
	unsigned gpa_bits; /* of a guest physical address */
	struct irqchip irqchip;
	struct ram_boot boot;
	struct pci_board pci;
	bool used; /* arch_reset was here before */
};

/* riscv/dtb.c: see struct ram_boot */
void riscv_add_nodes(struct fdt_tree *tree, struct vm *vm);

/*
 * riscv/reset-state.c: what the vCPU's registers are as KVM made them, for KVMs that have no reset to offer.
 * reset_state_keep: once its features are chosen. reset_state_restore: vCPU parked. Logs and returns -errno on failure.
 */
int reset_state_keep(struct vcpu *vcpu);
int reset_state_restore(struct vcpu *vcpu);

#endif
