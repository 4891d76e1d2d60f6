/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VM_END_H
#define VM_END_H

struct vm;

/*
 * Logs why the guest ended, if `status` (an enum exit_status, or 128 + signal) needs words. Any thread; all calls
 * but the first do nothing.
 */
void vm_end_tell(struct vm *vm, int status);

#endif
