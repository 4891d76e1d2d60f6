/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of arm64/ share about one guest. Main thread unless said otherwise. */
#ifndef ARM64_VM_H
#define ARM64_VM_H

#include <linux/kvm.h>
#include "lkvm/config/config.h"
#include "lkvm/pci/pci.h"
#include "lkvm/boot/ram-boot.h"
#include "lkvm/vm/vm.h"
#include "caches.h"
#include "gic.h"
#include "uapi/kvm-arm64.h"

struct arch_vm {
	unsigned ipa_bits;	   /* of a guest physical address */
	struct kvm_vcpu_init init; /* target and features of every vCPU */
	bool pvtime;		   /* vCPUs have a record of their steal time; pvtime.c's */
	cpu_set_t pmu_cpus;	   /* where vCPUs with performance monitors stay; pmu.c's */
	struct gic gic;
	struct hierarchy caches; /* the device tree's */
	struct ram_boot boot;
	struct pci_board pci;
	bool used; /* arch_reset was here before */
};

/*
 * arm64/features.c: what the vCPUs are to be, against what the host offers; before a vCPU exists.
 * Logs and returns -errno on failure.
 */
int arm64_choose_features(struct vm *vm);

/* Do the vCPUs have this feature, a KVM_ARM_VCPU_*? */
static inline bool arm64_wants(const struct vm *vm, unsigned feature)
{
	return vm->arch->init.features[feature / 32] >> feature % 32 & 1;
}

/*
 * arm64/arch-vcpu.c: KVM_ARM_VCPU_INIT: as after power-on, or off for KVM. The vCPU's thread, or any while that is
 * parked or off. 0 or -errno, logs nothing.
 */
int arm64_vcpu_init(struct vcpu *vcpu, bool off);
/* The same as a machine is switched on: only the first vCPU runs. Main thread; logs and returns -errno on failure. */
int arm64_vcpu_power_on(struct vcpu *vcpu);

/* arm64/dtb.c: see struct ram_boot */
void arm64_add_nodes(struct fdt_tree *tree, struct vm *vm);

#endif
