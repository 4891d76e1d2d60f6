/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What signals ask of a guest, and the end that comes whatever the main thread is stuck in. */
#ifndef VM_SIGNALS_H
#define VM_SIGNALS_H

struct vm;

/*
 * Main thread, before others exist (vm_create). From here on SIGTERM, SIGINT, SIGHUP and SIGQUIT are requests to
 * end the guest, a second one ends lkvm at once, SIGUSR1 pauses and SIGUSR2 resumes. Logs and
 * returns -errno on failure.
 */
int vm_signals_start(struct vm *vm);

/* Main thread: the guest begins to run, and --timeout counts from now: it ends in VM_REQUEST_TIMEOUT. */
void vm_signals_limit(struct vm *vm);

/*
 * Any thread, no lock. Somebody outside has asked for the end (vm->external_request): it comes within a second even if a
 * disk never answers.
 */
void vm_signals_hurry(struct vm *vm);

/* Main thread, at the very end. The signals stay blocked: nothing is left that they could end. */
void vm_signals_stop(struct vm *vm);

#endif
