// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The thread beside a disk's loop on which blocking operations wait, one after the other, so that
 * reads and writes go on meanwhile. It owns a request from enqueue to collect.
 */
#include <sys/eventfd.h>
#include "disk-private.h"
#include "lkvm/util/thread.h"

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
		eventfd_write(disk->event_fd, 1);
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

int disk_worker_start(struct disk *disk)
{
	struct disk_worker *worker = &disk->worker;
	int ret = thread_start(&worker->thread, 0, worker_main, disk);

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

void disk_worker_take(struct disk_worker *worker, struct disk_request_list *from,
		      struct disk_request_list *to)
{
	pthread_mutex_lock(&worker->lock);
	TAILQ_CONCAT(to, from, link);
	pthread_mutex_unlock(&worker->lock);
}
