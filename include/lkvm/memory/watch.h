/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks once a second whether the file that is the guest's memory is as long as it was, and whether a vCPU
 * wants a page that it does not get. The latter is for KVM on x86: where it may have a page fetched in the
 * background (asynchronous page faults) it takes "there is none" for "not yet", and has the vCPU
 * try for ever, without a word to us.
 */
#ifndef VM_MEMORY_WATCH_H
#define VM_MEMORY_WATCH_H

struct vm;

/* Main thread, with all vCPUs made and memory_guard.h armed. -ENOMEM, said. Nothing is done for memory without a file. */
int memory_watch_start(struct vm *vm);
/* Main thread; also if it was never started. */
void memory_watch_stop(struct vm *vm);

#endif
