// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Locks of records and of whole files. One that has to be waited for waits in a list, which one thread goes through again and
 * again: the host does not tell when a lock of somebody else is free.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include "fuse-private.h"
#include "lkvm/util/thread.h"

/* Between two tries, ns. */
#define PAUSE_FIRST 2000000u
#define PAUSE_LAST  50000000u

/* ---- a lock ---- */

static int lock_take(const struct fuse_lk_in *in, struct flock *lock)
{
	const struct fuse_file_lock *lk = &in->lk;

	if (lk->type != F_RDLCK && lk->type != F_WRLCK && lk->type != F_UNLCK)
		return -EINVAL;
	if (lk->start > lk->end || lk->start > INT64_MAX)
		return -EINVAL;
	*lock = (struct flock){
		.l_type = lk->type,
		.l_whence = SEEK_SET,
		.l_start = lk->start,
		/* 0: to the end, wherever that will be. */
		.l_len = lk->end >= INT64_MAX ? 0 : lk->end - lk->start + 1,
		.l_pid = lk->pid,
	};
	return 0;
}

static int lock_flock(struct export_file *file, u64 owner, int type)
{
	switch (type) {
	case F_RDLCK:
		return export_flock(file, owner, LOCK_SH);
	case F_WRLCK:
		return export_flock(file, owner, LOCK_EX);
	default:
		return export_flock(file, owner, LOCK_UN);
	}
}

static int lock_try(const struct fuse_wait *wait)
{
	int err;

	if (wait->flock)
		err = lock_flock(wait->file, wait->owner, wait->lock.l_type);
	else
		err = export_lock(wait->file, wait->owner, &wait->lock);
	return err == -EACCES ? -EAGAIN : err;
}

int fuse_do_getlk(struct fuse_call *call)
{
	const struct fuse_lk_in *in = &call->lk;
	struct fuse_lk_out out = { 0 };
	struct flock lock;
	int err = lock_take(in, &lock);

	if (err)
		return err;
	struct export_file *file = fuse_get_handle(call->fuse, call->header.nodeid, in->fh, NULL);
	if (!file)
		return -EBADF;
	err = export_getlock(file, in->owner, &lock);
	export_file_put(file);
	if (err)
		return err;
	out.lk.type = lock.l_type;
	if (lock.l_type != F_UNLCK) {
		out.lk.start = lock.l_start;
		out.lk.end = lock.l_len ? (u64)lock.l_start + lock.l_len - 1 : INT64_MAX;
		out.lk.pid = lock.l_pid;
	}
	return fuse_put(call, 0, &out, sizeof(out));
}

/* Tries; the file is counted in wait, unless this fails with -EINVAL or -EBADF. */
static int lock_begin(struct fuse_call *call, struct fuse_wait *wait)
{
	const struct fuse_lk_in *in = &call->lk;

	*wait = (struct fuse_wait){
		.request = call->request,
		.unique = call->header.unique,
		.owner = in->owner,
		.flock = in->lk_flags & FUSE_LK_FLOCK,
	};
	int err = lock_take(in, &wait->lock);
	if (err)
		return err;
	wait->file = fuse_get_handle(call->fuse, call->header.nodeid, in->fh, NULL);
	if (!wait->file)
		return -EBADF;
	return lock_try(wait);
}

static void lock_end(struct fuse_call *call, const struct fuse_wait *wait)
{
	if (wait->file)
		export_file_put(wait->file);
	if (wait->lock.l_type == F_UNLCK || wait->flock)
		fuse_kick_waits(call->fuse);
}

int fuse_do_setlk(struct fuse_call *call)
{
	struct fuse_wait wait;
	int err = lock_begin(call, &wait);

	lock_end(call, &wait);
	return err;
}

/* ---- waiting ---- */

/* With the lock: takes it out of the list, and puts it before those that are over. */
static void wait_over(struct fuse *fuse, struct fuse_wait **from, int err, struct fuse_wait **over)
{
	struct fuse_wait *wait = *from;

	*from = wait->next;
	if (!*from)
		fuse->waits_end = from;
	__atomic_sub_fetch(&fuse->nr_waits, 1, __ATOMIC_RELAXED);
	wait->err = err;
	wait->next = *over;
	*over = wait;
}

/* Without the lock: the queue's server has locks of its own. */
static void waits_finish(struct fuse_wait *over)
{
	while (over) {
		struct fuse_wait *next = over->next;

		fuse_end(over->request, over->unique, over->err, 0);
		export_file_put(over->file);
		free(over);
		over = next;
	}
}

/* With the lock: those that are over. */
static struct fuse_wait *waits_try(struct fuse *fuse)
{
	struct fuse_wait **from = &fuse->waits, *over = NULL;

	while (*from) {
		int err = lock_try(*from);

		if (err == -EAGAIN)
			from = &(*from)->next;
		else
			wait_over(fuse, from, err, &over);
	}
	return over;
}

static void waits_sleep(struct fuse *fuse, u32 *pause)
{
	struct timespec until;

	if (!fuse->waits) {
		*pause = PAUSE_FIRST;
		pthread_cond_wait(&fuse->waits_changed, &fuse->waits_lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += *pause;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	*pause = MIN(*pause * 2, PAUSE_LAST);
	pthread_cond_timedwait(&fuse->waits_changed, &fuse->waits_lock, &until);
}

static void *waits_run(void *opaque)
{
	struct fuse *fuse = opaque;
	u32 pause = PAUSE_FIRST;

	pthread_mutex_lock(&fuse->waits_lock);
	while (!fuse->waits_stop) {
		if (fuse->waits_kicked)
			pause = PAUSE_FIRST;
		else
			waits_sleep(fuse, &pause);
		fuse->waits_kicked = false;
		if (fuse->waits_stop)
			break;
		struct fuse_wait *over = waits_try(fuse);
		if (!over)
			continue;
		pthread_mutex_unlock(&fuse->waits_lock);
		waits_finish(over);
		pthread_mutex_lock(&fuse->waits_lock);
	}
	pthread_mutex_unlock(&fuse->waits_lock);
	return NULL;
}

/* With the lock. The request was interrupted before it was here. */
static bool waits_interrupted_early(struct fuse *fuse, u64 unique)
{
	for (u32 i = 0; i < ARRAY_SIZE(fuse->early); i++)
		if (fuse->early[i] == unique && unique) {
			fuse->early[i] = 0;
			return true;
		}
	return false;
}

/* With the lock. */
static int waits_add(struct fuse *fuse, const struct fuse_wait *given)
{
	if (waits_interrupted_early(fuse, given->unique))
		return -EINTR;
	if (fuse->nr_waits >= FUSE_MAX_WAITS)
		return -ENOLCK;
	if (!fuse->waits_running && thread_start(&fuse->waits_thread, 0, waits_run, fuse))
		return -ENOLCK;
	fuse->waits_running = true;
	struct fuse_wait *wait = malloc(sizeof(*wait));
	if (!wait)
		return -ENOLCK;
	*wait = *given;
	wait->next = NULL;
	*fuse->waits_end = wait;
	fuse->waits_end = &wait->next;
	__atomic_add_fetch(&fuse->nr_waits, 1, __ATOMIC_RELAXED);
	/* It may have become free since it was tried. */
	fuse->waits_kicked = true;
	pthread_cond_signal(&fuse->waits_changed);
	return 0;
}

int fuse_do_setlkw(struct fuse_call *call)
{
	struct fuse *fuse = call->fuse;
	struct fuse_wait wait;
	int err = lock_begin(call, &wait);

	if (err != -EAGAIN) {
		lock_end(call, &wait);
		return err;
	}
	pthread_mutex_lock(&fuse->waits_lock);
	err = waits_add(fuse, &wait);
	pthread_mutex_unlock(&fuse->waits_lock);
	if (!err)
		return FUSE_LATER;
	lock_end(call, &wait);
	return err;
}

int fuse_do_interrupt(struct fuse_call *call)
{
	struct fuse *fuse = call->fuse;
	u64 unique = call->interrupt.unique;
	struct fuse_wait *over = NULL;

	pthread_mutex_lock(&fuse->waits_lock);
	struct fuse_wait **from = &fuse->waits;
	while (*from && (*from)->unique != unique)
		from = &(*from)->next;
	if (*from)
		wait_over(fuse, from, -EINTR, &over);
	else
		/* Others are not interrupted; one that is still to come is, if it has to wait. */
		fuse->early[fuse->next_early++ % ARRAY_SIZE(fuse->early)] = unique;
	pthread_mutex_unlock(&fuse->waits_lock);
	waits_finish(over);
	return 0;
}

void fuse_kick_waits(struct fuse *fuse)
{
	if (!__atomic_load_n(&fuse->nr_waits, __ATOMIC_RELAXED))
		return;
	pthread_mutex_lock(&fuse->waits_lock);
	fuse->waits_kicked = true;
	pthread_cond_signal(&fuse->waits_changed);
	pthread_mutex_unlock(&fuse->waits_lock);
}

int fuse_waits_init(struct fuse *fuse)
{
	pthread_condattr_t attr;

	fuse->waits_end = &fuse->waits;
	pthread_mutex_init(&fuse->waits_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	int err = -pthread_cond_init(&fuse->waits_changed, &attr);
	pthread_condattr_destroy(&attr);
	return err;
}

void fuse_end_waits(struct fuse *fuse)
{
	struct fuse_wait *over = NULL;

	pthread_mutex_lock(&fuse->waits_lock);
	while (fuse->waits)
		wait_over(fuse, &fuse->waits, -EINTR, &over);
	memset(fuse->early, 0, sizeof(fuse->early));
	pthread_mutex_unlock(&fuse->waits_lock);
	waits_finish(over);
}

void fuse_stop_waits(struct fuse *fuse)
{
	pthread_mutex_lock(&fuse->waits_lock);
	bool running = fuse->waits_running;
	fuse->waits_stop = true;
	pthread_cond_signal(&fuse->waits_changed);
	pthread_mutex_unlock(&fuse->waits_lock);
	if (running)
		pthread_join(fuse->waits_thread, NULL);
	fuse->waits_stop = fuse->waits_running = false;
	fuse_end_waits(fuse);
}
