// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests on their way through the kernel. What has an asynchronous form goes in batches through
 * Linux's native AIO, the rest to the worker. Without O_DIRECT the kernel does most of its work inside
 * io_submit(2), which is why a disk has a thread of its own, and why completions are looked for right
 * after submitting instead of waiting for the next round of the loop.
 */
#include <errno.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "disk-private.h"

/*
 * The completion ring that io_setup(2) maps into this process; its address is the context's id.
 * Reading it here saves io_getevents(2). Only the disk's loop moves head.
 */
struct aio_ring {
	u32 id;
	u32 nr; /* entries in events */
	u32 head;
	u32 tail; /* written by the kernel */
	u32 magic;
	u32 compat_features;
	u32 incompat_features;
	u32 header_length;
	struct io_event events[];
};

#define AIO_RING_MAGIC 0xa10a10a1

_Static_assert(sizeof(struct aio_ring) == 32, "the kernel's layout");
_Static_assert(sizeof(struct io_event) == 32, "the kernel's layout");
_Static_assert(sizeof(struct iocb) <= sizeof(((struct disk_request *)0)->engine_data),
	       "an iocb lives in its request");

static struct iocb *request_iocb(struct disk_request *request)
{
	return (struct iocb *)request->engine_data;
}

/* ---- what is done how ---- */

static bool is_transfer(const struct disk_request *request)
{
	return request->operation == DISK_READ || request->operation == DISK_WRITE;
}

static bool is_aligned(const struct disk *disk, const struct disk_request *request)
{
	if (!IS_ALIGNED(request->offset | request->length, (u64)disk->direct_offset_align))
		return false;
	for (unsigned i = 0; i < request->engine_left; i++)
		if (!IS_ALIGNED((uintptr_t)request->engine_iov[i].iov_base |
					request->engine_iov[i].iov_len,
				(uintptr_t)disk->direct_memory_align))
			return false;
	return true;
}

static bool needs_worker(const struct disk *disk, const struct disk_request *request)
{
	if (request->engine_slow)
		return true;
	if (request->operation == DISK_FLUSH)
		return !disk->aio_flush;
	return !is_transfer(request);
}

/*
 * With O_DIRECT the worker's way through the page cache is coherent only if nothing passes beside the
 * page cache at the same time, in the same page: two sectors of it may belong to two requests.
 */
static bool needs_exclusive(const struct disk *disk, const struct disk_request *request)
{
	return disk->direct_fd >= 0 && request->operation != DISK_FLUSH;
}

static int check_range(const struct disk *disk, u64 offset, u64 length)
{
	if (!IS_ALIGNED(offset | length, (u64)DISK_SECTOR) || offset > disk->info.size ||
	    length > disk->info.size - offset)
		return -EINVAL;
	return 0;
}

/* The devices have checked already; a mistake there must not reach a file. */
static int check_request(const struct disk *disk, const struct disk_request *request)
{
	if (disk->info.readonly && request->operation != DISK_READ &&
	    request->operation != DISK_FLUSH)
		return -EROFS;
	if (is_transfer(request))
		return check_range(disk, request->offset, request->length);
	if (request->operation == DISK_FLUSH)
		return 0; /* of the whole file, whatever its fields still say of an earlier request */
	for (unsigned i = 0; i < request->nr_ranges; i++)
		if (check_range(disk, request->ranges[i].offset, request->ranges[i].length))
			return -EINVAL;
	return 0;
}

static bool changes_disk(const struct disk_request *request)
{
	return request->operation != DISK_READ && request->operation != DISK_FLUSH;
}

/* Nothing to ask the kernel for? */
static bool is_done_at_once(const struct disk *disk, const struct disk_request *request)
{
	if (request->engine_error || request->engine_done)
		return true;
	if (is_transfer(request))
		return !request->length;
	return disk->info.readonly; /* a flush: there is nothing to be flushed */
}

static void engine_prepare(struct disk *disk, struct disk_request *request)
{
	struct iocb *iocb = request_iocb(request);

	memset(iocb, 0, sizeof(*iocb));
	iocb->data = request;
	iocb->aio_fildes = disk->fd;
	if (request->operation == DISK_FLUSH) {
		iocb->aio_lio_opcode = IO_CMD_FDSYNC;
		disk->flushes++;
	} else {
		bool reading = request->operation == DISK_READ;

		if (disk->direct_fd >= 0)
			iocb->aio_fildes = disk->direct_fd;
		iocb->aio_lio_opcode = reading ? IO_CMD_PREADV : IO_CMD_PWRITEV;
		disk_part_begin(request);
		disk->bytes += request->engine_part;
		iocb->u.v.vec = request->engine_iov;
		iocb->u.v.nr = request->engine_nr;
		iocb->u.v.offset = request->offset + request->engine_progress;
		if (!reading && request->stable)
			iocb->aio_rw_flags = RWF_DSYNC;
	}
	io_set_eventfd(iocb, disk->event_fd);
}

/* ---- on the way in ---- */

void disk_submit(struct disk *disk, struct disk_request *request)
{
	request->engine_progress = 0;
	request->engine_iov = request->iov;
	request->engine_left = request->nr_iov;
	request->engine_slow = request->engine_done = false;
	request->engine_error = check_request(disk, request);
	TAILQ_INSERT_TAIL(&disk->pending, request, link);
}

/* Of what it was given the first `done` bytes are done. */
static void leave_kernel(struct disk *disk, struct disk_request *request, u64 done)
{
	if (request->operation == DISK_FLUSH) {
		disk->flushes--;
		return;
	}
	disk->bytes -= request->engine_part;
	disk_part_end(request, done);
}

/* Back to the front of the line, to be done by the worker. */
static void retry_slowly(struct disk *disk, struct disk_request *request)
{
	request->engine_slow = true;
	TAILQ_INSERT_HEAD(&disk->pending, request, link);
}

/*
 * The kernel refused the first one of the batch. EAGAIN: it has no room until something completes.
 * Anything else is about that request, and the worker finds out what; an old kernel without
 * IO_CMD_FDSYNC ends here too.
 */
static void give_back(struct disk *disk, struct iocb **batch, unsigned nr, int err)
{
	for (unsigned i = nr; i-- > 0;) {
		struct disk_request *request = batch[i]->data;

		leave_kernel(disk, request, 0);
		if (i == 0 && (err != -EAGAIN || !disk->in_kernel)) {
			if (request->operation == DISK_FLUSH)
				disk->aio_flush = false;
			retry_slowly(disk, request);
		} else {
			TAILQ_INSERT_HEAD(&disk->pending, request, link);
		}
	}
}

/* False when the kernel took less than all. */
static bool hand_over(struct disk *disk, struct iocb **batch, unsigned nr)
{
	unsigned taken = 0;

	while (taken < nr) {
		int ret = io_submit(disk->aio, nr - taken, batch + taken);

		if (ret == -EINTR)
			continue;
		if (ret <= 0) {
			give_back(disk, batch + taken, nr - taken, ret ?: -EAGAIN);
			return false;
		}
		taken += ret;
		disk->in_kernel += ret;
	}
	return true;
}

static void give_to_worker(struct disk *disk, struct disk_request *request)
{
	disk->in_worker++;
	disk->flushes += request->operation == DISK_FLUSH;
	disk->exclusive = needs_exclusive(disk, request);
	disk_worker_enqueue(disk, request);
}

/* Takes pending requests in order as far as they may go now; finished ones go to `done`. */
static void submit_pending(struct disk *disk, struct disk_request_list *done)
{
	struct iocb *batch[DISK_AIO_DEPTH];
	struct disk_request *request;
	unsigned nr;

again:
	nr = 0;
	while (!disk->held && !disk->exclusive && (request = TAILQ_FIRST(&disk->pending))) {
		if (changes_disk(request) && disk->no_writes && disk->no_writes())
			request->engine_error = -ECANCELED;
		if (is_done_at_once(disk, request)) {
			TAILQ_REMOVE(&disk->pending, request, link);
			TAILQ_INSERT_TAIL(done, request, link);
			continue;
		}
		if (is_transfer(request) && disk->direct_fd >= 0 && !is_aligned(disk, request))
			request->engine_slow = true;
		disk->written |= changes_disk(request);
		if (needs_worker(disk, request)) {
			if (needs_exclusive(disk, request) &&
			    (nr || disk->in_kernel || disk->in_worker))
				break;
			TAILQ_REMOVE(&disk->pending, request, link);
			give_to_worker(disk, request);
			continue;
		}
		if (disk->in_kernel + nr >= disk->depth || disk->bytes >= DISK_MAX_BYTES)
			break;
		TAILQ_REMOVE(&disk->pending, request, link);
		engine_prepare(disk, request);
		batch[nr++] = request_iocb(request);
	}
	if (nr && !hand_over(disk, batch, nr) && !disk->in_kernel)
		goto again; /* nothing will come back that would call us again */
}

/* ---- on the way out ---- */

/* What came back, with its result, goes to the submitter; in a held disk that waits. */
static void hand_back(struct disk *disk, struct disk_request *request,
		      struct disk_request_list *done)
{
	request->engine_done = true;
	if (disk->held && request->operation == DISK_FLUSH)
		TAILQ_INSERT_HEAD(&disk->pending, request, link);
	else
		TAILQ_INSERT_TAIL(done, request, link);
}

/* Is it for the worker, which does all or finds out why not? `whole`: the part was done, or the flush. */
static bool needs_retry(struct disk *disk, struct disk_request *request, long result, bool whole)
{
	if (request->operation == DISK_FLUSH)
		return result == -EINVAL;
	/* Alignment rules of O_DIRECT that the host did not tell show as EINVAL. */
	if (result < 0)
		return result == -EINTR || result == -EAGAIN ||
		       (result == -EINVAL && disk->direct_fd >= 0);
	return !whole && (request->operation == DISK_WRITE || !disk_zero_tail(disk, request));
}

static void kernel_completed(struct disk *disk, struct disk_request *request, long result,
			     struct disk_request_list *done)
{
	bool flush = request->operation == DISK_FLUSH;
	bool whole = flush || result == (long)request->engine_part;

	disk->in_kernel--;
	disk->event_stale = true;
	leave_kernel(disk, request, MAX(result, 0L));
	if (!flush && whole && request->engine_progress < request->length) {
		/* Behind the others: a large request is served part by part. */
		TAILQ_INSERT_TAIL(&disk->pending, request, link);
	} else if (needs_retry(disk, request, result, whole)) {
		disk->aio_flush &= !flush;
		retry_slowly(disk, request);
	} else {
		request->engine_error = MIN(result, 0);
		hand_back(disk, request, done);
	}
}

static void reap_mapped(struct disk *disk, struct disk_request_list *done)
{
	struct aio_ring *ring = disk->ring;
	u32 head = ring->head;
	u32 tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);

	while (head != tail) {
		struct io_event event = ring->events[head];

		head = head + 1 == ring->nr ? 0 : head + 1;
		/* The entry is free for the kernel from here on. */
		__atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
		kernel_completed(disk, event.data, (long)event.res, done);
	}
}

static void reap_called(struct disk *disk, struct disk_request_list *done)
{
	struct timespec no_wait = { 0 };
	struct io_event events[16];
	int n;

	do {
		n = io_getevents(disk->aio, 0, ARRAY_SIZE(events), events, &no_wait);
		for (int i = 0; i < n; i++)
			kernel_completed(disk, events[i].data, (long)events[i].res, done);
	} while (n == ARRAY_SIZE(events) || n == -EINTR);
}

static void collect_worker(struct disk *disk, struct disk_request_list *done)
{
	struct disk_request_list finished = TAILQ_HEAD_INITIALIZER(finished);
	struct disk_request *request;

	disk_worker_take(&disk->worker, &disk->worker.finished, &finished);
	while ((request = TAILQ_FIRST(&finished))) {
		TAILQ_REMOVE(&finished, request, link);
		disk->in_worker--;
		disk->exclusive = false;
		disk->flushes -= request->operation == DISK_FLUSH;
		if (request->engine_more && !request->engine_error)
			TAILQ_INSERT_TAIL(&disk->pending, request, link);
		else
			hand_back(disk, request, done);
	}
}

static void engine_reap(struct disk *disk, struct disk_request_list *done)
{
	if (disk->in_kernel && disk->ring)
		reap_mapped(disk, done);
	else if (disk->in_kernel)
		reap_called(disk, done);
	if (disk->in_worker)
		collect_worker(disk, done);
}

static void log_failure(struct disk *disk, const struct disk_request *request)
{
	static const char *const doing[] = {
		[DISK_READ] = "reading",
		[DISK_WRITE] = "writing",
		[DISK_FLUSH] = "flushing",
		[DISK_DISCARD] = "discarding",
		[DISK_WRITE_ZEROES] = "writing zeroes",
	};

	if (request->engine_error == -EOPNOTSUPP || request->engine_error == -ECANCELED ||
	    !log_limit_ok(&disk->errors))
		return;
	u64 offset = is_transfer(request) ? request->offset : 0;
	if (!is_transfer(request) && request->operation != DISK_FLUSH && request->nr_ranges)
		offset = request->ranges[0].offset;
	log_error("--disk %s: %s at byte %llu: %s", disk->path, doing[request->operation],
		  (unsigned long long)offset,
		  request->engine_error == -EIO && request->operation == DISK_READ
			  ? "input/output error, or the file was made shorter"
			  : strerror(-request->engine_error));
}

/* After everything else: done() has been called when a waiter wakes. */
static void tell_waiters(struct disk *disk)
{
	unsigned under_way = disk->in_kernel + disk->in_worker;

	if (!disk->waiters)
		return;
	pthread_mutex_lock(&disk->rest_lock);
	disk->rest = !under_way			  ? DISK_IDLE
		     : under_way == disk->flushes ? DISK_FLUSHES_ONLY
						  : DISK_BUSY;
	pthread_cond_broadcast(&disk->rest_changed);
	pthread_mutex_unlock(&disk->rest_lock);
}

/* Tells the submitter of all in the list. */
static unsigned engine_finish(struct disk *disk, struct disk_request_list *done)
{
	struct disk_request *request;
	unsigned nr = 0;

	while ((request = TAILQ_FIRST(done))) {
		int err = request->engine_error;

		TAILQ_REMOVE(done, request, link);
		if (err)
			log_failure(disk, request);
		request->done(request, err);
		nr++;
	}
	return nr;
}

/*
 * Submits, and looks for what is complete, until nothing moves; bounded by what was pending at the
 * beginning, because a guest could keep on adding: the event is signalled for what is left.
 */
static void engine_run(struct disk *disk)
{
	struct disk_request_list done = TAILQ_HEAD_INITIALIZER(done);
	unsigned budget = 2 * DISK_AIO_DEPTH, nr;

	disk->completing = true;
	do {
		submit_pending(disk, &done);
		engine_reap(disk, &done);
		nr = engine_finish(disk, &done);
		if (!nr)
			break;
		if (disk->batch_done)
			disk->batch_done(disk->batch_done_arg);
		budget -= MIN(budget, nr);
	} while (budget);
	disk->completing = false;
	if (!TAILQ_EMPTY(&disk->pending) && !disk->held && !disk->in_kernel && !disk->in_worker)
		eventfd_write(disk->event_fd, 1);
	tell_waiters(disk);
}

static void clear_event(struct disk *disk)
{
	eventfd_t count;

	eventfd_read(disk->event_fd, &count);
	disk->event_stale = false;
}

void disk_kick(struct disk *disk)
{
	if (disk->completing)
		return;
	engine_run(disk);
	/* With nothing under way the signal is an old one: cheaper than another round of the loop. */
	if (disk->event_stale && TAILQ_EMPTY(&disk->pending) && !disk->in_kernel &&
	    !disk->in_worker)
		clear_event(disk);
}

static void event_ready(struct loop_fd *handler, u32 events)
{
	struct disk *disk = CONTAINER_OF(handler, struct disk, event);

	clear_event(disk);
	engine_run(disk);
}

/* ---- from beginning to end ---- */

void disk_set_owner(struct disk *disk, void (*batch_done)(void *arg), void *arg,
		    bool (*no_writes)(void))
{
	disk->batch_done = batch_done;
	disk->batch_done_arg = arg;
	disk->no_writes = no_writes;
}

static void hold_on_loop(void *arg)
{
	struct disk_request_list back = TAILQ_HEAD_INITIALIZER(back);
	struct disk *disk = arg;
	struct disk_request *request;

	disk->held = true;
	disk_worker_take(&disk->worker, &disk->worker.jobs, &back);
	TAILQ_FOREACH(request, &back, link)
	{
		disk->in_worker--;
		disk->exclusive = false;
		disk->flushes -= request->operation == DISK_FLUSH;
	}
	TAILQ_CONCAT(&back, &disk->pending, link);
	TAILQ_CONCAT(&disk->pending, &back, link);
	engine_run(disk);
}

/* Nobody runs the loop, so nobody else would look. */
static void wait_here(struct disk *disk, enum disk_rest rest)
{
	struct pollfd wait = { .fd = disk->event_fd, .events = POLLIN };

	while (disk->rest < rest) {
		poll(&wait, 1, -1);
		clear_event(disk);
		engine_run(disk);
	}
}

static void hold_until(struct disk *disk, enum disk_rest rest)
{
	disk->waiters++;
	loop_call(disk->loop, hold_on_loop, disk);
	if (loop_is_current(disk->loop))
		wait_here(disk, rest);
	pthread_mutex_lock(&disk->rest_lock);
	while (disk->rest < rest)
		pthread_cond_wait(&disk->rest_changed, &disk->rest_lock);
	pthread_mutex_unlock(&disk->rest_lock);
	disk->waiters--;
}

void disk_hold(struct disk *disk)
{
	hold_until(disk, DISK_FLUSHES_ONLY);
}

static void release_on_loop(void *arg)
{
	struct disk *disk = arg;

	disk->held = false;
	engine_run(disk);
}

void disk_release(struct disk *disk)
{
	loop_call(disk->loop, release_on_loop, disk);
}

struct cancelling {
	struct disk *disk;
	bool (*drop)(struct disk_request *request, void *arg);
	void *arg;
};

static void cancel_on_loop(void *arg)
{
	struct cancelling *cancelling = arg;
	struct disk_request_list *pending = &cancelling->disk->pending;
	struct disk_request *request, *next;

	for (request = TAILQ_FIRST(pending); request; request = next) {
		/* It is the submitter's again as soon as it is dropped. */
		next = TAILQ_NEXT(request, link);
		TAILQ_REMOVE(pending, request, link);
		if (cancelling->drop(request, cancelling->arg))
			continue;
		if (next)
			TAILQ_INSERT_BEFORE(next, request, link);
		else
			TAILQ_INSERT_TAIL(pending, request, link);
	}
}

void disk_cancel(struct disk *disk, bool (*drop)(struct disk_request *request, void *arg),
		 void *arg)
{
	struct cancelling cancelling = { .disk = disk, .drop = drop, .arg = arg };

	hold_until(disk, DISK_IDLE);
	loop_call(disk->loop, cancel_on_loop, &cancelling);
}

int disk_start(struct disk *disk)
{
	return disk_worker_start(disk) ?: loop_start_thread(disk->loop);
}

void disk_stop(struct disk *disk)
{
	loop_stop_thread(disk->loop);
	disk_worker_stop(disk);
}

/* Contexts are limited system-wide; a shorter queue is better than none. */
static int setup_aio(struct disk *disk)
{
	int ret;

	disk->depth = DISK_AIO_DEPTH;
	while ((ret = io_setup(disk->depth, &disk->aio)) == -EAGAIN && disk->depth > 8)
		disk->depth /= 2;
	if (ret == -EAGAIN)
		log_error("--disk %s: the host allows no more asynchronous I/O; raise "
			  "/proc/sys/fs/aio-max-nr",
			  disk->path);
	else if (ret)
		log_error("--disk %s: asynchronous I/O: %s", disk->path, strerror(-ret));
	if (ret)
		return ret;
	struct aio_ring *ring = (struct aio_ring *)disk->aio;
	if (ring->magic == AIO_RING_MAGIC && !ring->incompat_features &&
	    ring->header_length == sizeof(*ring))
		disk->ring = ring;
	return 0;
}

int disk_engine_init(struct disk *disk)
{
	int ret = setup_aio(disk);

	if (ret)
		return ret;
	TAILQ_INIT(&disk->pending);
	TAILQ_INIT(&disk->worker.jobs);
	TAILQ_INIT(&disk->worker.finished);
	pthread_mutex_init(&disk->worker.lock, NULL);
	pthread_cond_init(&disk->worker.wake, NULL);
	pthread_mutex_init(&disk->rest_lock, NULL);
	pthread_cond_init(&disk->rest_changed, NULL);
	disk->errors.burst = 8;
	disk->aio_flush = true;
	disk->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	disk->loop = disk->event_fd < 0 ? NULL : loop_create("disk");
	disk->event = (struct loop_fd){ .fd = disk->event_fd, .ready = event_ready };
	if (disk->loop && !loop_fd_add(disk->loop, &disk->event, EPOLLIN))
		return 0;
	ret = -errno;
	log_error("--disk %s: %s", disk->path, strerror(errno));
	disk_engine_exit(disk);
	return ret;
}

void disk_engine_exit(struct disk *disk)
{
	loop_fd_del(&disk->event);
	if (disk->loop)
		loop_destroy(disk->loop);
	if (disk->event_fd >= 0)
		close(disk->event_fd);
	disk->event_fd = -1;
	io_destroy(disk->aio);
	pthread_mutex_destroy(&disk->worker.lock);
	pthread_cond_destroy(&disk->worker.wake);
	pthread_mutex_destroy(&disk->rest_lock);
	pthread_cond_destroy(&disk->rest_changed);
}
