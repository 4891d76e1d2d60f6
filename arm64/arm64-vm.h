/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of arm64/ share about one guest. Main thread unless said otherwise. */
#ifndef ARM64_VM_H
#define ARM64_VM_H

#include <linux/kvm.h>
#include "lkvm/boot.h"
#include "lkvm/config.h"
#include "lkvm/fdt.h"
#include "lkvm/pci.h"
#include "lkvm/vm.h"
#include "gic.h"
#include "uapi/kvm-arm64.h"

/* Where vCPU 0 begins. */
struct arm64_entry {
	gpa_t pc;
	gpa_t dtb;
};

struct arm64_vm {
	unsigned ipa_bits;	   /* of a guest physical address */
	gpa_t ram;		   /* RAM's first byte; its size is config->memory */
	struct kvm_vcpu_init init; /* target and features of every vCPU */
	bool pvtime;		   /* vCPUs have a record of their steal time; pvtime.c's */
	cpu_set_t pmu_cpus;	   /* where vCPUs with performance monitors stay; pmu.c's */
	struct gic gic;
	struct boot_file kernel_file; /* or the firmware's */
	struct kernel_image kernel;   /* not of a firmware */
	struct boot_file initrds[CONFIG_MAX_INITRDS];
	unsigned nr_initrds;
	struct pci_board pci;
	struct arm64_entry entry; /* where vCPU 0 begins; set by arch_load */
	bool used;		  /* arch_reset was here before */
};

/* arm64/features.c: what the vCPUs are to be, against what the host offers; before a vCPU exists. Said. */
int arm64_choose_features(struct vm *vm);

/* Do the vCPUs have this feature, a KVM_ARM_VCPU_*? */
static inline bool arm64_wants(const struct vm *vm, unsigned feature)
{
	return vm->arch.arm64->init.features[feature / 32] >> feature % 32 & 1;
}

/*
 * arm64/vcpu.c: KVM_ARM_VCPU_INIT: as after power-on, or off for KVM. The vCPU's thread, or any while that is
 * parked or off. 0 or -errno, nothing said.
 */
int arm64_vcpu_init(struct vcpu *vcpu, bool off);

/*
 * arm64/load.c: would arch_load() find room for everything? Needs memory's layout, no device: asked before
 * there are any, so that a guest that cannot be started leaves no trace. Said.
 */
int arm64_check_load(struct vm *vm);

/* arm64/dtb.c: writes the whole tree. initrd_size 0: none. fdt_free(tree) is the caller's. Said. */
int arm64_build_dtb(struct vm *vm, struct fdt_tree *tree, const char *cmdline, gpa_t initrd,
		    u64 initrd_size);

#endif
