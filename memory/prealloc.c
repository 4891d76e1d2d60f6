// SPDX-License-Identifier: GPL-2.0-or-later
/* Making pages ahead of time: the kernel zeroes each, which is worth several threads where there are many. */
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>

#include "lkvm/util/log.h"
#include "lkvm/util/loop.h"
#include "lkvm/memory/guard.h"
#include "lkvm/util/thread.h"
#include "lkvm/memory/backends.h"
#include "uapi/mman.h"

#define MAX_THREADS 16
#define PART	    MIB(128) /* less is not worth a thread */

struct work {
	u8 *hva;
	u64 size, step; /* bytes; step is a multiple of page */
	u64 page;
	_Atomic u64 next;  /* bytes given out so far */
	_Atomic int error; /* the first one */
};

/* Contents stay: another thread, or a file, may have put something there. */
static void prealloc_touch(u8 *hva, u64 size, u64 page)
{
	for (u64 at = 0; at < size && !memory_guard_tripped(); at += page)
		atomic_fetch_or_explicit((_Atomic u8 *)(hva + at), 0, memory_order_relaxed);
}

int memory_have(u8 *hva, u64 size)
{
	int ret;

	do {
		ret = madvise(hva, size, MADV_POPULATE_WRITE);
	} while (ret && (errno == EINTR || errno == EAGAIN));
	return ret ? -errno : 0;
}

static int prealloc_populate(u8 *hva, u64 size, u64 page)
{
	int err = memory_have(hva, size);

	if (err != -EINVAL)
		return err;
	prealloc_touch(hva, size, page);
	return memory_guard_tripped() ? -EFAULT : 0;
}

static void *prealloc_run(void *arg)
{
	struct work *work = arg;
	int none = 0, err;
	u64 at;

	while (!work->error && (at = atomic_fetch_add(&work->next, work->step)) < work->size) {
		err = prealloc_populate(work->hva + at, MIN(work->step, work->size - at),
					work->page);
		if (err)
			atomic_compare_exchange_strong(&work->error, &none, err);
	}
	return NULL;
}

/* Those that this process may use: bound to some (numactl, say), it gets their node's memory too. */
static unsigned count_cpus(void)
{
	cpu_set_t cpus;

	/* EINVAL: a host with more of them than the set has room for. */
	return sched_getaffinity(0, sizeof(cpus), &cpus) ? MAX_THREADS : (unsigned)CPU_COUNT(&cpus);
}

int memory_preallocate(u8 *hva, u64 size, u64 page)
{
	struct work work = { .hva = hva, .size = size, .page = page, .step = MAX((u64)PART, page) };
	u64 parts = (size + work.step - 1) / work.step;
	u64 most = MIN(parts, (u64)MAX_THREADS), wanted = MIN(most, (u64)count_cpus());
	u64 begin = clock_now();
	pthread_t threads[MAX_THREADS];
	unsigned nr = 0;

	/* This thread is one of them; if others cannot be had, it does all. */
	while (nr + 1 < wanted && !thread_start(&threads[nr], 0, prealloc_run, &work))
		nr++;
	prealloc_run(&work);
	for (unsigned i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	log_debug("guest memory: made %llu MiB in %llu ms, threads: %u",
		  (unsigned long long)size >> 20,
		  (unsigned long long)(clock_now() - begin) / 1000000, nr + 1);
	return work.error;
}
