/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals that end a process unless it takes them: what is done before. The process has one handler for them all,
 * and one place each for who can mend a fault and for who must put something back.
 */
#ifndef LKVM_UTIL_FATAL_H
#define LKVM_UTIL_FATAL_H

#include <signal.h>
#include "lkvm/util/types.h"

/*
 * Any thread, in a signal handler. SIGBUS or SIGSEGV with an address: true if the instruction can go on, or be tried
 * again. NULL: nobody can.
 */
typedef bool (*fatal_mend_fn)(int signal_number, const siginfo_t *info);

/* Main thread. From here on faults are shown to `mend` first. Returns 0, or logs and returns -errno. */
int fatal_on_fault(fatal_mend_fn mend);

/*
 * Main thread. From here on `restore` is called before the process ends by a signal, by exit(), or by
 * fatal_end(). In a signal handler, by any thread, perhaps more than once.
 */
void fatal_on_end(void (*restore)(void));

/* Any thread. The process is about to call _exit(). */
void fatal_end(void);

#endif
