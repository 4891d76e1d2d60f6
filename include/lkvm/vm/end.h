/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a guest. It is known when the main loop has stopped and there is no reboot to come; from then on one deadline
 * (vm->deadline) bounds the wait for those who read the guest's output and lkvm's messages:
 *
 * - A guest that ended by itself gets all of its output out, however slow the console's reader is. --timeout goes on.
 * - Any other end, and any request from outside meanwhile, leaves half a second from there.
 */
#ifndef LKVM_VM_END_H
#define LKVM_VM_END_H

struct vm;

/* Any thread, a signal handler: somebody outside wants the end now. Only the first call counts. */
void vm_end_hurry(struct vm *vm);

/*
 * Main thread, vCPUs are parked and devices quiesced: waits for output, stops devices, and logs why the guest ended. err:
 * what lkvm could not go on with, or 0. Returns the status.
 */
int vm_end(struct vm *vm, int err);

/*
 * Logs why the guest ended, if `status` (an enum exit_status, or 128 + signal) needs words. Any thread; all calls
 * but the first do nothing.
 */
void vm_end_log(struct vm *vm, int status);

#endif
