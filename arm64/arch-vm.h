/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of arm64/ share about one guest. Main thread unless said otherwise. */
#ifndef ARM64_ARCH_VM_H
#define ARM64_ARCH_VM_H

#include <linux/kvm.h>
#include "lkvm/config/config.h"
#include "lkvm/devicetree/ram-boot.h"
#include "lkvm/vm/confidential.h"
#include "lkvm/vm/vm.h"
#include "caches.h"
#include "gic.h"
#include "uapi/kvm-arm64.h"

/* What a VM has when KVM does not tell: all it had before it could be chosen. */
#define IPA_BITS_DEFAULT 40

struct arch_vm {
	unsigned ipa_bits;	   /* of a guest physical address */
	struct kvm_vcpu_init init; /* target and features of every vCPU */
	bool pvtime;		   /* vCPUs have a record of their steal time; pvtime.c's */
	cpu_set_t pmu_cpus;	   /* where vCPUs with performance monitors stay; pmu.c's */
	struct gic gic;
	struct hierarchy caches; /* the device tree's */
	struct ram_boot boot;
	gpa_t window64_end; /* see ram-board.h */
	bool used;	    /* arch_reset was here before */
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

/* arm64/arch-confidential.c: the row that the configuration chooses: nothing is hidden, or what pKVM protects. */
const struct confidential_ops *arm64_confidential(const struct vm_config *config);

/* arm64/cpus-fdt.c: the tree's node of all CPUs: each one, how they are grouped, their caches. vCPUs are parked. */
void cpus_fdt(struct fdt_tree *tree, struct vm *vm);

/*
 * arm64/pvtime.c: steal time (Arm DEN 0057): a guest learns how long its CPUs waited for one of the host's from a record
 * for each, which KVM writes. The records are RAM of their own, told to the guest by KVM's hypercalls and not in its memory
 * map. Log and return -errno on failure. pvtime_lay_out, before vm_map_memory(): makes space for the records if this guest
 * gets any. pvtime_init, after KVM_ARM_VCPU_INIT: tells KVM where the vCPU's record is.
 */
int pvtime_lay_out(struct vm *vm);
int pvtime_init(struct vcpu *vcpu);

#endif
