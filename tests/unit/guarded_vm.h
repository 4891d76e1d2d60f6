/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is lost ends the guest, as after vm_create(). */
#ifndef TEST_GUARDED_VM_H
#define TEST_GUARDED_VM_H

#include "lkvm/memory/guard.h"
#include "lkvm/vm/vm.h"

static inline void guarded_lost(void *vm, bool unshared)
{
	vm_request(vm, unshared ? VM_REQUEST_INTERNAL_ERROR : VM_REQUEST_HOST_ERROR);
}

static inline int guarded_begin(struct vm *vm)
{
	const struct memory_guard guard = {
		.memory = &vm->memory,
		.private = &vm->private_memory,
		.lost = guarded_lost,
		.opaque = vm,
	};

	return memory_guard_arm(&guard);
}

#endif
