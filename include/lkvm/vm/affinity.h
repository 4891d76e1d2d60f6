/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the host's CPUs vCPU threads run on (--vcpu-affinity). */
#ifndef LKVM_VM_AFFINITY_H
#define LKVM_VM_AFFINITY_H

struct vcpu;
struct vm;

/* Before any vCPU: can threads run where --vcpu-affinity says? Logs and returns -errno on failure. */
int vcpus_check_affinity(struct vm *vm);
/* The vCPU's own thread, before it runs anything of the guest. */
void vcpu_bind_thread(struct vcpu *vcpu);

#endif
