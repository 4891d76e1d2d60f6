/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control and status registers that KVM leaves to user space: the entropy source, and others that it does not
 * know. Of those it hands on more than one would think: a guest without an AIA on a host that has one reaches
 * stopei and sireg, and one with an AIA sireg's reserved numbers, from its user programs too.
 */
#ifndef RISCV_CSR_H
#define RISCV_CSR_H

struct vcpu;

/*
 * vCPU thread, KVM_EXIT_RISCV_CSR. What there is not the guest hears of as the privileged architecture says: by an
 * illegal-instruction exception, its registers as before.
 */
void csr_access(struct vcpu *vcpu);

#endif
