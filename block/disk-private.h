/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of block/ share with each other, and with nobody else. */
#ifndef BLOCK_DISK_H
#define BLOCK_DISK_H

#include <libaio.h>
#include <pthread.h>
#include <sys/stat.h>
#include "lkvm/block/disk.h"
#include "lkvm/util/log.h"

TAILQ_HEAD(disk_request_list, disk_request);

/* Requests that the kernel may hold at once; more wait in the disk's own queue. */
#define DISK_AIO_DEPTH 128

/*
 * What is under way is bounded in bytes, whatever was asked for: who pauses or ends a guest waits for that. A long
 * request is done part by part, and lets others go between two of them.
 */
#define DISK_PART	MIB(1)	/* of a read or a write */
#define DISK_RANGE_PART MIB(16) /* of a discard or of zeroes; parts end at multiples of it */
#define DISK_MAX_BYTES	MIB(16) /* in the kernel, all requests together, but for the last part */

struct aio_ring; /* engine.c */

/* A thread for whatever has only a blocking system call. */
struct disk_worker {
	pthread_t thread;
	bool started; /* set before threads exist; without it jobs run on the caller's thread */
	pthread_mutex_t lock; /* the rest */
	pthread_cond_t wake;
	struct disk_request_list jobs, finished;
	bool stop;
};

struct disk {
	/* Constant after disk_open(). */
	char *path;
	int fd;	       /* through the page cache; holds the lock */
	int direct_fd; /* O_DIRECT; -1: not asked for */
	bool block_device;
	u64 file_size; /* bytes at open; info.size is that rounded up to sectors */
	struct disk_info info;
	u32 direct_offset_align, direct_memory_align; /* what O_DIRECT asks of a request */
	struct loop *loop;
	io_context_t aio;
	struct aio_ring *ring; /* completions mapped from the kernel; NULL: ask by system call */
	unsigned depth;
	int event_fd; /* signalled by the kernel and by the worker */
	void (*batch_done)(void *arg);
	void *batch_done_arg;
	bool (*no_writes)(void); /* NULL: never */

	/* The disk's loop. */
	struct loop_fd event;
	struct disk_request_list pending; /* not yet given to anybody, in order of arrival */
	unsigned in_kernel, in_worker;	  /* requests */
	unsigned flushes;		  /* of these, flushes */
	u64 bytes;			  /* of reads and writes in the kernel */
	bool held;			  /* nothing is given to anybody */
	bool exclusive;			  /* the one in the worker allows no other beside it */
	bool completing;		  /* inside disk_kick() or the event handler */
	bool event_stale; /* event_fd was signalled for what has been taken already */
	bool aio_flush;	  /* the kernel takes IO_CMD_FDSYNC for this file */
	bool written;	  /* ever */

	/* Any thread. */
	_Atomic unsigned waiters;  /* for disk->rest */
	pthread_mutex_t rest_lock; /* rest */
	pthread_cond_t rest_changed;
	enum disk_rest { DISK_BUSY, DISK_FLUSHES_ONLY, DISK_IDLE } rest; /* kept for waiters */
	struct log_limit errors; /* lines about requests that failed */

	struct disk_worker worker;
};

/* engine.c: prepare and undo what submitting needs. Logs and returns -errno on failure. */
int disk_engine_init(struct disk *disk);
void disk_engine_exit(struct disk *disk);

/* worker.c. start returns 0 or -errno; stop is right without it, too. The others are for the disk's loop. */
int disk_worker_start(struct disk *disk);
void disk_worker_stop(struct disk *disk);
void disk_worker_enqueue(struct disk *disk, struct disk_request *request);
/* Moves one of its lists, of what it has finished or not begun, to the end of `to`. */
void disk_worker_take(struct disk_worker *worker, struct disk_request_list *from,
		      struct disk_request_list *to);

/*
 * part.c: the next part of a read or a write: engine_part bytes in engine_nr buffers from engine_iov on. After the
 * second call, of which the first `done` bytes are done, the rest is one piece again.
 */
void disk_part_begin(struct disk_request *request);
void disk_part_end(struct disk_request *request, u64 done);

/* blocking.c: a request's next part, from engine_progress on; sets engine_more. 0 or -errno. */
int disk_run_blocking(struct disk *disk, struct disk_request *request);
/*
 * Bytes up to the next sector boundary after the end of a file that is no multiple of a sector read
 * as zeroes. True when a read that stopped at engine_progress stopped there; the rest is zeroed.
 */
bool disk_zero_tail(struct disk *disk, struct disk_request *request);

/*
 * lock.c: logs who has it and returns -EBUSY. `writing` asks for the exclusive lock.
 */
int disk_lock(int fd, const char *path, bool writing);
/* Says who holds a block device that could not be claimed. */
void disk_say_busy(const char *path, const struct stat *st);

#endif
