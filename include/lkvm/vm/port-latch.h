/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port that only remembers what is written to it, as an index register's does: KVM keeps such writes (coalesced PIO), and
 * the guest goes on without an exit. They reach the bus, in their order, before the next access to any other port does.
 */
#ifndef LKVM_VM_PORT_LATCH_H
#define LKVM_VM_PORT_LATCH_H

#include "lkvm/util/types.h"

struct vcpu;
struct vm;

/*
 * Writes of one byte to `port` are kept from now on, where KVM can do that; nothing is different otherwise. One port of a
 * VM, before vCPUs run. Logs nothing.
 */
void port_latch_create(struct vm *vm, u16 port);
void port_latch_destroy(struct vm *vm);

/* The vCPU's thread, before it handles a port access of its own: what KVM kept goes to vm->ports. */
void port_latch_hand_over(struct vcpu *vcpu);

#endif
