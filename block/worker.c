// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The thread beside a disk's loop on which blocking operations wait, one after the other, so that
 * reads and writes go on meanwhile. It owns a request from enqueue to collect.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "disk.h"

/* Small: nothing here recurses, the largest frame is the iov of zero pages. */
#define WORKER_STACK KIB(128)

static void wake_loop(struct disk *disk)
{
	const u64 one = 1;

	/* EAGAIN means that the counter is full, and then the loop is awake already. */
	while (write(disk->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void *worker_main(void *arg)
{
	struct disk *disk = arg;
	struct disk_worker *worker = &disk->worker;
	struct disk_request *request;

	pthread_setname_np(pthread_self(), "disk-worker");
	pthread_mutex_lock(&worker->lock);
	while (!worker->stop) {
		request = TAILQ_FIRST(&worker->jobs);
		if (!request) {
			pthread_cond_wait(&worker->wake, &worker->lock);
			continue;
		}
		TAILQ_REMOVE(&worker->jobs, request, link);
		pthread_mutex_unlock(&worker->lock);
		request->engine_error = disk_run_blocking(disk, request);
		pthread_mutex_lock(&worker->lock);
		TAILQ_INSERT_TAIL(&worker->finished, request, link);
		wake_loop(disk);
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

int disk_worker_start(struct disk *disk)
{
	struct disk_worker *worker = &disk->worker;
	sigset_t all, old;
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKER_STACK);
	thread_signals(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int ret = -pthread_create(&worker->thread, &attr, worker_main, disk);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (ret)
		log_error("--disk %s: no thread for it: %s", disk->path, strerror(-ret));
	worker->started = !ret;
	return ret;
}

void disk_worker_stop(struct disk *disk)
{
	struct disk_worker *worker = &disk->worker;

	if (!worker->started)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->stop = true;
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
	worker->started = worker->stop = false;
}

void disk_worker_enqueue(struct disk *disk, struct disk_request *request)
{
	struct disk_worker *worker = &disk->worker;

	if (!worker->started) {
		request->engine_error = disk_run_blocking(disk, request);
		TAILQ_INSERT_TAIL(&worker->finished, request, link);
		return;
	}
	pthread_mutex_lock(&worker->lock);
	TAILQ_INSERT_TAIL(&worker->jobs, request, link);
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
}

void disk_worker_collect(struct disk *disk, struct disk_request_list *list)
{
	struct disk_worker *worker = &disk->worker;

	pthread_mutex_lock(&worker->lock);
	TAILQ_CONCAT(list, &worker->finished, link);
	pthread_mutex_unlock(&worker->lock);
}
