// SPDX-License-Identifier: GPL-2.0-or-later
#include <signal.h>

#include "lkvm/util/thread.h"
#include "lkvm/util/types.h"

/* All but those that a crash raises, whose handler restores the terminal. */
static void thread_signals(sigset_t *set)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP };

	sigfillset(set);
	for (unsigned i = 0; i < ARRAY_SIZE(crashes); i++)
		sigdelset(set, crashes[i]);
}

int thread_start(pthread_t *thread, int except, void *(*fn)(void *), void *arg)
{
	sigset_t blocked, old;
	pthread_attr_t attr;
	int err;

	thread_signals(&blocked);
	if (except)
		sigdelset(&blocked, except);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	pthread_sigmask(SIG_SETMASK, &blocked, &old);
	err = pthread_create(thread, &attr, fn, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}
