/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disk images: opened, locked, and read and written asynchronously. A disk has one I/O thread
 * (its loop) on which all requests are submitted and completed.
 */
#ifndef LKVM_BLOCK_H
#define LKVM_BLOCK_H

#include <sys/uio.h>
#include "lkvm/config.h"
#include "lkvm/loop.h"

struct disk;

enum disk_operation { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_DISCARD, DISK_WRITE_ZEROES };

/* Owned by the submitter until done() is called, exactly once, on the disk's loop. */
struct disk_request {
	enum disk_operation operation;
	u64 offset; /* bytes */
	u64 length; /* bytes; the iov's sum for reads and writes */
	struct iovec *iov;
	unsigned nr_iov;
	bool unmap;					       /* write-zeroes may deallocate */
	void (*done)(struct disk_request *request, int error); /* 0 or -errno */
	/* The engine's. */
	void *engine_data[8];
	TAILQ_ENTRY(disk_request) link;
};

/*
 * Opens a raw file or block device and locks it: shared when read-only, exclusive when writable, so
 * that a second lkvm is told. Says what is wrong with the --disk argument; -errno.
 */
int disk_open(struct disk **disk, const struct disk_config *config);
/* Nothing in flight. */
void disk_close(struct disk *disk);

u64 disk_size(const struct disk *disk);	      /* bytes */
u32 disk_block_size(const struct disk *disk); /* logical, bytes: 512 or what O_DIRECT demands */
u32 disk_physical_block_size(const struct disk *disk);
bool disk_readonly(const struct disk *disk);
bool disk_can_discard(const struct disk *disk);
struct loop *disk_loop(struct disk *disk);

int disk_start(struct disk *disk); /* starts the I/O thread */
void disk_stop(struct disk *disk); /* stops it; drained before */

/* On the disk's loop. done may be called before submit returns. */
void disk_submit(struct disk *disk, struct disk_request *request);
/* On the disk's loop, after a batch of submits: hands them to the kernel together. */
void disk_kick(struct disk *disk);
/* Any thread but the disk's: returns when no request is in flight; no new ones may come. */
void disk_drain(struct disk *disk);

#endif
