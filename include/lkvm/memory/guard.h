/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory that cannot be had though it is mapped: the file behind it became shorter, its file system
 * is full, there is no huge page left, the host's memory is broken, or a protected guest keeps the page for
 * itself. To touch it is a signal (SIGBUS; SIGSEGV for the last), a system call on it fails with EFAULT, and
 * so does KVM_RUN. In each case the guest ends with one line that says what happened, and lkvm does not end
 * but in the ordinary way.
 *
 * A thread that was hit by the signal goes on with zeroes of our making, until it gets to where it looks
 * for its end. They are nothing that the guest ever wrote: see memory_guard_tripped().
 *
 * One process is one guest, and a signal handler is told of no guest, so there is one guard.
 */
#ifndef LKVM_MEMORY_GUARD_H
#define LKVM_MEMORY_GUARD_H

#include "lkvm/util/types.h"

struct guest_memory;
struct iovec;

/* Whose memory it is. The functions are called in a signal handler too, by any thread, several at once. */
struct memory_guard {
	const struct guest_memory *memory; /* its regions change no more once others touch it */
	const bool *private; /* the guest keeps pages for itself: a SIGSEGV may be about them */
	/* Something is lost: the guest must end. unshared: as the guest did not share it. */
	void (*lost)(void *opaque, bool unshared);
	void *opaque;
};

/*
 * Main thread, before the memory has regions: from here on faults in it, of any thread, are taken. guard is
 * copied; what it points to is there until memory_guard_disarm(). Returns 0, or logs and returns -errno.
 */
int memory_guard_arm(const struct memory_guard *guard);
/* Main thread. Faults are ordinary ones again, and what was lost is forgotten. */
void memory_guard_disarm(void);

/*
 * Any thread. A system call on these bytes, all of them at addresses of guest memory, failed with EFAULT. True:
 * some of them cannot be had indeed, and the end of the guest has been asked for. Their contents stay.
 */
bool memory_guard_check(const void *hva, u64 len);
bool memory_guard_check_iov(const struct iovec *iov, unsigned nr);
/*
 * Any thread: the same for all of guest memory that is a file, when KVM tells no address. Is the file as long as it was, and
 * can what has no page yet get one? One page of that is tried, and made. Milliseconds.
 */
bool memory_guard_search(void);
/* Any thread: somebody else, KVM, says of the guest's memory at gpa that it cannot be had. False: it is none. */
bool memory_guard_report(gpa_t gpa, bool broken);

/*
 * Any thread: has anything been lost? What is read from guest memory then may be zeroes that the guest did
 * not write, so it must not get onto its disks.
 */
bool memory_guard_tripped(void);

/* Any thread: logs one line about what the guest of that name lost, if it did. */
void memory_guard_log(const char *name);

#endif
