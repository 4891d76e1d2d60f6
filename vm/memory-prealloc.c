// SPDX-License-Identifier: GPL-2.0-or-later
/* Making pages ahead of time: the kernel zeroes each, which is worth several threads where there are many. */
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lkvm/thread.h"
#include "memory-backend.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

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
static void touch(u8 *hva, u64 size, u64 page)
{
	for (u64 at = 0; at < size; at += page)
		atomic_fetch_or_explicit((_Atomic u8 *)(hva + at), 0, memory_order_relaxed);
}

static int populate(u8 *hva, u64 size, u64 page)
{
	int ret;

	do {
		ret = madvise(hva, size, MADV_POPULATE_WRITE);
	} while (ret && (errno == EINTR || errno == EAGAIN));
	if (!ret)
		return 0;
	/* EINVAL: a kernel, or a kind of mapping, that does not know it. */
	if (errno != EINVAL)
		return -errno;
	touch(hva, size, page);
	return 0;
}

static void *run(void *arg)
{
	struct work *work = arg;
	int none = 0, error;
	u64 at;

	while (!work->error && (at = atomic_fetch_add(&work->next, work->step)) < work->size) {
		error = populate(work->hva + at, MIN(work->step, work->size - at), work->page);
		if (error)
			atomic_compare_exchange_strong(&work->error, &none, error);
	}
	return NULL;
}

int memory_preallocate(u8 *hva, u64 size, u64 page)
{
	struct work work = { .hva = hva, .size = size, .page = page, .step = MAX((u64)PART, page) };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	u64 parts = (size + work.step - 1) / work.step;
	u64 most = MIN(parts, (u64)MAX_THREADS), wanted = MIN(most, (u64)cpus);
	unsigned nr = 0;
	pthread_t threads[MAX_THREADS];

	/* This thread is one of them; if others cannot be had, it does all. */
	while (cpus > 0 && nr + 1 < wanted && !thread_start(&threads[nr], 0, run, &work))
		nr++;
	run(&work);
	while (nr)
		pthread_join(threads[--nr], NULL);
	return work.error;
}
