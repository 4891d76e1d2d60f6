/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How every thread beside the main one is started: with signals blocked and a stack of one small size. */
#ifndef LKVM_UTIL_THREAD_H
#define LKVM_UTIL_THREAD_H

#include <pthread.h>
#include <signal.h>

/* Far more than any thread of ours needs: the largest frame is libslirp's, 64 KiB. */
#define THREAD_STACK (1 << 20)

/*
 * The signals that a thread other than the main one should block: all but those that a crash raises,
 * whose handler restores the terminal.
 */
void thread_signals(sigset_t *set);

/* Starts fn(arg) with the signals of thread_signals() blocked, but for `except` (0: none). 0 or -errno. */
int thread_start(pthread_t *thread, int except, void *(*fn)(void *), void *arg);

#endif
