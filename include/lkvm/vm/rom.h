/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device's own memory, which is no part of vm->memory: while it is mapped the guest reads it without
 * leaving KVM, and its writes come to the bus as MMIO; while it is not, reads do too. The device has a bus
 * region there all the time, so a read that was on its way when the mapping changed is answered there.
 */
#ifndef LKVM_VM_ROM_H
#define LKVM_VM_ROM_H

#include "lkvm/util/types.h"

struct vm;

struct vm_rom {
	struct vm *vm;
	u32 slot; /* KVM's number for it */
	gpa_t gpa;
	void *memory;
	u64 size;
	bool possible; /* this KVM has read-only memory; without, it is never mapped */
	bool mapped;
};

/* Not mapped yet. gpa, memory and size are page-aligned; the memory outlives the VM's last run. */
void vm_rom_init(struct vm_rom *rom, struct vm *vm, gpa_t gpa, void *memory, u64 size);
/*
 * Maps or unmaps it. Any thread, a vCPU's own while others run as well, but for one rom by one at a time (under the device's
 * lock). Costs KVM up to milliseconds. The memory may be written only while it is not mapped. -errno: it
 * stays as it was; logs nothing.
 */
int vm_rom_map(struct vm_rom *rom, bool mapped);

#endif
