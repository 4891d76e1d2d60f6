// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/util/fatal.h"
#include "lkvm/util/log.h"

/* Without those that end lkvm in an orderly way. */
static const int fatal_signals[] = { SIGSEGV, SIGBUS,  SIGILL,	SIGFPE,	   SIGABRT,
				     SIGSYS,  SIGTRAP, SIGXCPU, SIGXFSZ,   SIGALRM,
				     SIGPROF, SIGIO,   SIGPWR,	SIGVTALRM, SIGSTKFLT };

static struct sigaction
	fatal_old[ARRAY_SIZE(fatal_signals)]; /* written before the handler is set */
static _Atomic fatal_mend_fn fatal_mend;
static void (*_Atomic fatal_restore)(void);

void fatal_end(void)
{
	void (*restore)(void) = fatal_restore;

	if (restore)
		restore();
}

static bool fatal_is_mended(int signal_number, const siginfo_t *info)
{
	fatal_mend_fn mend = fatal_mend;

	/* One that somebody sent has no address. */
	if ((signal_number != SIGBUS && signal_number != SIGSEGV) || info->si_code <= 0)
		return false;
	return mend && mend(signal_number, info);
}

static void on_fatal(int signal_number, siginfo_t *info, void *context)
{
	int saved = errno;

	if (!fatal_is_mended(signal_number, info)) {
		fatal_end();
		for (unsigned i = 0; i < ARRAY_SIZE(fatal_signals); i++)
			if (fatal_signals[i] == signal_number)
				sigaction(signal_number, &fatal_old[i], NULL);
		/* A faulting instruction faults again by itself, with its real address in the core dump. */
		if (info->si_code <= 0 ||
		    (signal_number == SIGBUS && info->si_code == BUS_MCEERR_AO))
			raise(signal_number);
	}
	errno = saved;
}

static int fatal_take(unsigned i)
{
	struct sigaction action = { .sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct sigaction old;

	if (sigaction(fatal_signals[i], NULL, &old))
		return -errno;
	if (old.sa_handler == SIG_IGN || old.sa_sigaction == on_fatal)
		return 0;
	fatal_old[i] = old;
	return sigaction(fatal_signals[i], &action, NULL) ? -errno : 0;
}

static int fatal_take_signals(void)
{
	static char stack[64 * 1024]; /* for the main thread, should it overrun its own */
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) }, other;
	int err = 0;

	if (!sigaltstack(NULL, &other) && (other.ss_flags & SS_DISABLE))
		sigaltstack(&alternate, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(fatal_signals) && !err; i++)
		err = fatal_take(i);
	return err;
}

int fatal_on_fault(fatal_mend_fn mend)
{
	int err = 0;

	fatal_mend = mend;
	if (mend)
		err = fatal_take_signals();
	if (err)
		log_fatal("Unable to handle faults: %s", strerror(-err));
	return err;
}

void fatal_on_end(void (*restore)(void))
{
	if (!fatal_restore)
		atexit(fatal_end);
	fatal_restore = restore;
	fatal_take_signals();
}
