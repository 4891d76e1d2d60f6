/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disk images: opened, locked, and read and written asynchronously. A disk has one I/O thread
 * (its loop) on which all requests are submitted and completed.
 */
#ifndef LKVM_BLOCK_DISK_H
#define LKVM_BLOCK_DISK_H

#include <sys/uio.h>
#include "lkvm/util/types.h"
#include "lkvm/util/list.h"
#include "lkvm/util/loop.h"

struct disk;

/* What was asked for of one: the record of virtio/blk.c. */
struct disk_config {
	const char *path;     /* NULL: a back end's */
	const char *back_end; /* where that listens, for vhost-user; NULL: a file's */
	bool readonly;
	bool direct;	    /* O_DIRECT */
	const char *serial; /* NULL: made from the position */
	unsigned queues;    /* 0: one for each vCPU, at most as many as there may be */
};

/* The unit of sizes and offsets: everything is a multiple of it, whatever the disk's block size. */
#define DISK_SECTOR 512

enum disk_operation { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_DISCARD, DISK_WRITE_ZEROES };

struct disk_range {
	u64 offset; /* bytes, DISK_SECTOR multiples both */
	u64 length;
};

/*
 * Owned by the submitter, but not touched by it from disk_submit() until done() is called, exactly
 * once, on the disk's loop. Zero-initialise, then fill the first part for each submit; the iovecs'
 * contents may have been changed when done() is called.
 */
struct disk_request {
	enum disk_operation operation;
	/* Read and write. Buffers may have any alignment, also with O_DIRECT. */
	u64 offset; /* bytes, DISK_SECTOR multiple */
	u64 length; /* bytes, DISK_SECTOR multiple, the iov's sum */
	struct iovec *iov;
	unsigned nr_iov; /* at most IOV_MAX */
	/* Discard and write-zeroes. */
	const struct disk_range *ranges;
	unsigned nr_ranges;
	bool unmap;  /* write-zeroes may deallocate */
	bool stable; /* anything that writes: on stable storage before done() */
	/* 0 or -errno; -EOPNOTSUPP: the host's disk has no such operation. */
	void (*done)(struct disk_request *request, int err);
	/* The engine's. */
	void *engine_data[8];	  /* the struct iocb */
	u64 engine_progress;	  /* bytes done so far */
	u64 engine_part;	  /* bytes of a transfer that are under way */
	struct iovec *engine_iov; /* what is left of iov, engine_left of them */
	unsigned engine_left;
	unsigned engine_nr; /* of these, those of the part */
	size_t engine_cut;  /* bytes of the last of them that are not the part's */
	int engine_error;   /* result, while it waits for done() */
	bool engine_slow;   /* has to go through the worker */
	bool engine_more;   /* the worker did a part, and there are others */
	bool engine_done;   /* came back while the disk was held */
	TAILQ_ENTRY(disk_request) link;
};

/*
 * Opens a raw file or block device and locks it: shared when read-only, exclusive when writable, so
 * that a second lkvm is told. Says what is wrong with the --disk argument; -errno.
 */
int disk_open(struct disk **disk, const struct disk_config *config);
/*
 * Stopped. Requests that nobody was asked for yet are forgotten, done() is not called for any. What was written is
 * brought to stable storage first.
 */
void disk_close(struct disk *disk);

/* Constant. */
struct disk_info {
	u64 size;		 /* bytes, DISK_SECTOR multiple */
	u32 block_size;		 /* logical, bytes: 512, or the block device's */
	u32 physical_block_size; /* what is written without a read first */
	bool readonly, can_discard;
};

const struct disk_info *disk_info(const struct disk *disk);
struct loop *disk_loop(struct disk *disk);

int disk_start(struct disk *disk); /* starts the I/O thread; 0 or -errno, not logged */
void disk_stop(struct disk *disk); /* stops it; held before. Not an error when not started */

/*
 * Before the first submit. batch_done(arg) is called on the disk's loop after each batch of done() calls, and before
 * disk_hold() may return: the place to interrupt a guest once. While no_writes(), which any thread may call, is true nothing is
 * written any more: such requests fail with -ECANCELED, and nothing is said of them. Either may be NULL.
 */
void disk_set_owner(struct disk *disk, void (*batch_done)(void *arg), void *arg,
		    bool (*no_writes)(void));

/* On the disk's loop. Only queues the request: done() is not called from here. */
void disk_submit(struct disk *disk, struct disk_request *request);
/*
 * On the disk's loop, after a batch of submits: hands them to the kernel together. Calls done() for
 * what is finished by then. Does nothing when called from done() or from batch_done: what they
 * submitted is taken on without it.
 */
void disk_kick(struct disk *disk);
/*
 * The rest: any thread but the disk's (or any when nobody runs the loop). However much was submitted, only a
 * bounded number of bytes of it is under way, so holding takes no longer than the host needs for these.
 *
 * When this returns nothing of a request touches its buffers or the disk until disk_release(). What was not under way
 * waits, and so does the answer to a flush that the host has not yet done.
 */
void disk_hold(struct disk *disk);
void disk_release(struct disk *disk);
/*
 * Holds the disk, waits for its flushes too, and forgets all requests for which drop(request, arg) is true. done() is
 * not called for them, and the submitter has them back.
 */
void disk_cancel(struct disk *disk, bool (*drop)(struct disk_request *request, void *arg),
		 void *arg);

#endif
