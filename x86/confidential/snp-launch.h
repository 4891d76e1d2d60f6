/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The launch of a SEV-SNP guest, in the order that KVM wants it (in Linux:
 * Documentation/virt/kvm/x86/amd-memory-encryption.rst). Main thread. Logs and returns -errno on failure.
 */
#ifndef X86_SNP_LAUNCH_H
#define X86_SNP_LAUNCH_H

#include <linux/kvm.h>
#include "snp-identity.h"
#include "snp-plan.h"

/* Where requests go. Descriptors are the caller's. */
struct snp_host {
	int kvm_fd, vm_fd;
	int sev_fd;		   /* snp_host_open()'s, to be closed */
	struct vcpu *const *vcpus; /* for the launch: as many as the plan has */
};

/* Opens /dev/sev. Before KVM_CREATE_VM is early enough. */
int snp_host_open(struct snp_host *host);

/* KVM_SEV_INIT2: behind KVM_CREATE_VM, before vCPUs and memory slots. */
int snp_host_init(const struct snp_host *host, const struct snp_config *config);

/*
 * From LAUNCH_START to LAUNCH_FINISH; afterwards the vCPUs may run and nobody can look into them. All of the
 * plan's pages lie in slots that have a guest_memfd. cpuid is vCPU 0's; the CPUID page is made of it in
 * guest memory. KVM copies the plan's data; the originals are not needed afterwards.
 */
int snp_host_launch(const struct snp_host *host, const struct snp_config *config,
		    const struct snp_identity *identity, const struct snp_plan *plan,
		    const struct kvm_cpuid2 *cpuid);

#endif
