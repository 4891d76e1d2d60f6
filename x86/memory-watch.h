/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM on x86 may have a page fetched in the background (asynchronous page faults), whenever the guest takes interrupts. It
 * then takes "there is none" for "not yet": it ignores the fetch's error and lets the vCPU try for ever, without
 * a word to us. So a device that no guest sees looks into KVM's statistics once a second, and tells memory/guard.h of a
 * vCPU which wants a page that it does not get.
 */
#ifndef X86_MEMORY_WATCH_H
#define X86_MEMORY_WATCH_H

struct vm;

/* Main thread, with all vCPUs made. Nothing is made for memory without a file. Returns 0 or -ENOMEM. */
int memory_watch_create(struct vm *vm);

#endif
