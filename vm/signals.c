// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A thread of its own waits for signals, so that no code of ours runs in a signal handler, and so that
 * there is somebody who ends lkvm when the main thread cannot: it may wait for a disk that never
 * answers, or for a reader of our messages that never reads. Such a wait in the kernel does not even
 * let a handler run, but the end of the process, which any thread can bring about, cuts it short.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lkvm/util/fatal.h"
#include "lkvm/config/exit-status.h"
#include "lkvm/util/log.h"
#include "lkvm/util/thread.h"
#include "lkvm/vm/vm.h"
#include "lkvm/vm/end.h"
#include "signals.h"

#define NEVER  UINT64_MAX
#define SECOND 1000000000ULL

/* What is left of "within a second" when output is waited for no longer: to close disks, and for a busy host. */
#define CLOSE_NS (SECOND * 4 / 10)

/* From the main thread to this one, as the first real-time signal is from it to vCPUs. */
#define SIGHURRY (SIGRTMIN + 1)

struct vm_signals {
	pthread_t thread;
	sigset_t set;	   /* constant */
	_Atomic u64 limit; /* when --timeout is over; NEVER: not yet known */
	_Atomic bool stop;
};

/* What the process ends with if it has to be now. */
static int status_now(struct vm *vm)
{
	if (vm->status >= 0)
		return vm->status;
	if (vm->signal)
		return 128 + vm->signal;
	if (vm->external_request == VM_REQUEST_READER_GONE)
		return EXIT_READER_GONE;
	if (vm->external_request == VM_REQUEST_QUIT)
		return EXIT_GUEST_DONE;
	return last_words_panicked(vm) ? EXIT_GUEST_PANIC : EXIT_TIMEOUT;
}

static void give_up(struct vm *vm, int status)
{
	fatal_end();
	/* The main thread may not have come so far. */
	vm_end_log(vm, status);
	log_warning("Guest %s: not everything ended in time; not waiting for it", vm->config->name);
	_exit(status);
}

/* The signal, or 0 when it is `end`. */
static int wait_until(const sigset_t *set, u64 end)
{
	u64 now = clock_now(), left = end > now ? end - now : 0;
	struct timespec timeout = { .tv_sec = left / SECOND, .tv_nsec = left % SECOND };
	int signal;

	signal = sigtimedwait(set, NULL, end == NEVER ? NULL : &timeout);
	if (signal < 0)
		return errno == EAGAIN ? 0 : -errno;
	return signal;
}

static void ask_for_end(struct vm *vm, int signal)
{
	/* The second one means now, whatever the main thread is busy with. */
	if (vm->signal) {
		fatal_end();
		_exit(128 + signal);
	}
	vm->signal = signal;
	vm_request(vm, VM_REQUEST_SIGNAL);
}

static void *signals_main(void *arg)
{
	struct vm *vm = arg;
	struct vm_signals *signals = vm->signals;
	pthread_setname_np(pthread_self(), "signals");
	while (!signals->stop) {
		bool asked = vm->external_request;
		u64 end = asked ? vm->deadline.end + CLOSE_NS : signals->limit;
		int signal = wait_until(&signals->set, end);

		if (signals->stop || signal < 0)
			continue;
		if (!signal && asked)
			give_up(vm, status_now(vm));
		if (!signal)
			vm_request(vm, VM_REQUEST_TIMEOUT);
		else if (signal == SIGUSR1)
			vm_request(vm, VM_REQUEST_PAUSE);
		else if (signal == SIGUSR2)
			vm_request(vm, VM_REQUEST_RESUME);
		else if (signal != SIGHURRY)
			ask_for_end(vm, signal);
	}
	return NULL;
}

static void fill_set(sigset_t *set)
{
	static const int ends[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	struct sigaction old;

	sigemptyset(set);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGUSR2);
	sigaddset(set, SIGHURRY);
	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
		/* nohup, and shells that start background jobs, ignore some for us: leave that so. */
		if (!sigaction(ends[i], NULL, &old) && old.sa_handler == SIG_IGN)
			continue;
		sigaddset(set, ends[i]);
	}
}

int vm_signals_start(struct vm *vm)
{
	struct vm_signals *signals = calloc(1, sizeof(*signals));
	int err;

	if (!signals)
		return -ENOMEM;
	fill_set(&signals->set);
	signals->limit = NEVER;
	vm->signals = signals;
	err = thread_start(&signals->thread, 0, signals_main, vm);
	if (err) {
		log_fatal("Unable to start the thread that waits for signals: %s", strerror(-err));
		vm->signals = NULL;
		free(signals);
		return err;
	}
	/* They are the thread's only if nobody else takes them; threads made later inherit this. */
	pthread_sigmask(SIG_BLOCK, &signals->set, NULL);
	return 0;
}

void vm_signals_limit(struct vm *vm)
{
	if (!vm->config->timeout)
		return;
	vm->signals->limit = clock_now() + vm->config->timeout * SECOND;
	vm_signals_hurry(vm);
}

void vm_signals_hurry(struct vm *vm)
{
	if (vm->signals)
		pthread_kill(vm->signals->thread, SIGHURRY);
}

void vm_signals_stop(struct vm *vm)
{
	struct vm_signals *signals = vm->signals;

	if (!signals)
		return;
	signals->stop = true;
	pthread_kill(signals->thread, SIGHURRY);
	pthread_join(signals->thread, NULL);
	vm->signals = NULL;
	free(signals);
}
