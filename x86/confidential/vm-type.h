/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What KVM makes of the machine (--vm-type), and what is common to the types whose guests have private
 * memory. arch_vm_type() is here too. Main thread unless said otherwise.
 */
#ifndef X86_VM_TYPE_H
#define X86_VM_TYPE_H

#include "lkvm/arch.h"
#include "lkvm/vm/confidential.h"

/* Its name on the command line. */
extern const char *const x86_vm_type_names[];

/* The row that the configuration chooses. */
const struct confidential_ops *x86_confidential(const struct vm_config *config);

/* Rows that have a file of their own. */
extern const struct confidential_ops x86_snp;

/* ---- for rows whose guests have private memory ---- */

/* Options that do not go together with any of them; -EINVAL, logged. */
int x86_private_check_config(const struct vm_config *config);

/* Is it among KVM_CAP_VM_TYPES? Logs and returns -EOPNOTSUPP otherwise. */
int x86_private_check_host(const struct confidential_ops *ops, int kvm_fd, unsigned long type);

/*
 * Private halves for memory, and KVM leaves the guest for its page-state changes. accesses_tell: see struct
 * conversion_options. Logs and returns -errno on failure.
 */
int x86_private_vm_created(struct vm *vm, bool accesses_tell);

/*
 * x86/confidential/hypercall.c: vCPU thread: does what the guest asked for by a hypercall that KVM leaves to us, and
 * answers it. Other exits stay unknown.
 */
enum exit_action x86_private_exit(struct vcpu *vcpu);

#endif
