/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What KVM makes of the machine (--vm-type), and what is common to the types whose guests have private
 * memory. arch_vm_type() is here too. Main thread unless said otherwise.
 */
#ifndef X86_VM_TYPE_H
#define X86_VM_TYPE_H

#include "lkvm/arch.h"

/* Its name on the command line. */
extern const char *const x86_vm_type_names[];

/* Options that do not go together with it; -EINVAL, said. */
int x86_check_vm_type(const struct vm_config *config);

/*
 * Behind the memory's layout and before vm_map_memory(): private halves, and KVM leaves the guest for its
 * page-state changes. Nothing for default. 0 or -errno, said.
 */
int x86_create_private_memory(struct vm *vm);

/* x86/confidential/hypercall.c: vCPU thread, KVM_EXIT_HYPERCALL: does what the guest asked for and answers it. */
void x86_hypercall(struct vcpu *vcpu);

#endif
