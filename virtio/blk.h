/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-blk (virtio 1.3, 5.2): what its two files share. blk.c is the device: features, configuration
 * and life. blk-request.c reads the driver's requests and answers them.
 */
#ifndef VIRTIO_BLK_H
#define VIRTIO_BLK_H

#include <linux/virtio_blk.h>
#include "lkvm/block/disk.h"
#include "lkvm/virtio/core.h"

#define BLK_MAX_QUEUES 8U
#define BLK_QUEUE_SIZE 256
/* Data segments of a request: what a queue of this size lets a chain have beside header and status. */
#define BLK_SEG_MAX    (BLK_QUEUE_SIZE - 2)
#define BLK_CHAIN_MAX  BLK_QUEUE_SIZE
/* Requests in flight, all queues together. Further ones wait in the guest's rings. */
#define BLK_REQUESTS   128
/* Small requests, by far the most, stay within this many buffers. */
#define BLK_FEW_IOVS   8

/* Bounds of what one command may ask. */
#define BLK_DISCARD_SEGMENTS	  64
#define BLK_DISCARD_SECTORS	  (MIB(256) / DISK_SECTOR)
#define BLK_WRITE_ZEROES_SEGMENTS 1
#define BLK_WRITE_ZEROES_SECTORS  (MIB(32) / DISK_SECTOR)

/* Up to the fields of secure erase, which is not offered. */
#define BLK_CONFIG_SIZE offsetof(struct virtio_blk_config, max_secure_erase_sectors)

struct vhost_user;
struct virtio_blk;

/* The disk's loop; the first part is the disk's while a request is submitted. */
struct blk_request {
	struct disk_request io;
	struct virtio_blk *blk;
	struct blk_request *next_free;
	u16 queue, head;
	u32 in_len; /* the chain's writable bytes */
	u8 *status; /* its last one */
	struct iovec few[BLK_FEW_IOVS];
};

/* For what does not fit into few; memory is only touched by requests that need it. */
union blk_spill {
	struct iovec iov[BLK_CHAIN_MAX];
	struct disk_range ranges[BLK_DISCARD_SEGMENTS];
	struct virtio_blk_discard_write_zeroes segments[BLK_DISCARD_SEGMENTS];
};

/* What a guest sees of it. dev->lock to write; read by the disk's loop. */
struct blk_state {
	_Atomic u8 writeback_set; /* the driver chose; until then it follows from the features */
	_Atomic u8 writeback;
};

struct virtio_blk {
	struct virtio_device dev;
	/* Constant. */
	struct disk *disk;
	const struct disk_info *info;
	u64 sectors;
	char serial[VIRTIO_BLK_ID_BYTES + 1];

	struct blk_state state;

	/* The disk's loop. */
	struct blk_request *requests;
	union blk_spill *spill;	  /* one for each request */
	struct blk_request *free; /* last in, first out, so that few are ever touched */
	struct iovec scratch[BLK_CHAIN_MAX];
	u32 to_signal; /* bit per queue: something was pushed */
	u32 stalled;   /* bit per queue: chains wait for a free request */
};

/* Is what was written allowed to stay in the host's cache until a flush? Any thread. */
bool blk_is_writeback(const struct virtio_blk *blk);

/* blk-request.c; the disk's loop. */
void blk_requests_init(struct virtio_blk *blk);
void blk_notify(struct virtio_device *dev, struct virtqueue *vq);
void blk_batch_done(void *blk);
/* For disk_cancel(): forgets a request, if it is that virtqueue's. NULL: whatever queue's it is. */
bool blk_drop(struct disk_request *io, void *vq);

/*
 * The device without a transport, and not started. queues is at least 1. The disk is its own, also when it fails:
 * NULL, with a line in the log unless there is no memory.
 */
struct virtio_blk *blk_new(struct vm *vm, struct disk *disk, const struct disk_config *config,
			   unsigned index, unsigned queues);

/* blk-vhost-user.c: for the kind's open and create, with config->back_end; the seat is its own. Both log and return -errno. */
int blk_remote_open(struct vhost_user **seat, const struct disk_config *config);
int blk_remote_create(struct vm *vm, const struct disk_config *config, unsigned index,
		      struct vhost_user *seat);

#endif
