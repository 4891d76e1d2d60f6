/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens when a device touches memory that a protected guest keeps for itself. */
#ifndef VM_PRIVATE_MEMORY_H
#define VM_PRIVATE_MEMORY_H

#include <stdbool.h>

struct vm;

/*
 * Main thread, with all of vm->memory's regions there and before anything runs. From here on a fault in
 * guest memory, on any thread, ends the guest with VM_REQUEST_INTERNAL_ERROR instead of ending lkvm. 0 or
 * -errno, said.
 */
int private_memory_guard(struct vm *vm);

/* Was there such a fault? It has been said then. Main thread, at the end. */
bool private_memory_say_fault(const struct vm *vm);

#endif
