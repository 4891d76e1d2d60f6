/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How every thread beside the main one is started: with signals blocked and a stack of one small size. */
#ifndef LKVM_UTIL_THREAD_H
#define LKVM_UTIL_THREAD_H

#include <pthread.h>

/* Far more than any thread of ours needs: the largest frame is libslirp's, 64 KiB. */
#define THREAD_STACK (1 << 20)

/*
 * Starts fn(arg) with all signals blocked but those that a crash raises, and `except` (0: none). 0 or -errno.
 */
int thread_start(pthread_t *thread, int except, void *(*fn)(void *), void *arg);

#endif
