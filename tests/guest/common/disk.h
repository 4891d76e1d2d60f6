/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A virtio disk: the one queue, one request at a time. Variables of this type are static: devices see them. */
#ifndef GUEST_DISK_H
#define GUEST_DISK_H

#include "virtio.h"

#define DISK_READ  0
#define DISK_WRITE 1

struct disk {
	struct vio vio; /* found before disk_begin() */
	struct vio_queue queue;
	struct {
		u32 type, reserved;
		u64 sector;
	} header;
	volatile u8 status;
};

static inline void disk_begin(struct disk *disk)
{
	vio_begin(&disk->vio, 0);
	vio_queue(&disk->vio, 0, &disk->queue);
	vio_ready(&disk->vio);
}

/* Offers the request and kicks; `len` bytes, of which the header says from which sector. */
static inline void disk_submit(struct disk *disk, u32 type, u64 sector, volatile void *bytes,
			       u32 len)
{
	disk->header.type = type;
	disk->header.sector = sector;
	disk->status = 0xff;
	vio_buffer(&disk->queue, 0, &disk->header, sizeof(disk->header), VIO_NEXT);
	vio_buffer(&disk->queue, 1, bytes, len, VIO_NEXT | (type == DISK_READ ? VIO_WRITE : 0));
	vio_buffer(&disk->queue, 2, &disk->status, 1, VIO_WRITE);
	vio_offer(&disk->queue, 0);
	vio_kick(&disk->vio, 0);
}

static inline void disk_io(struct disk *disk, u32 type, u64 sector, volatile void *bytes, u32 len)
{
	disk_submit(disk, type, sector, bytes, len);
	vio_wait(&disk->queue);
	CHECK_EQ("the disk's answer", disk->status, 0);
}

#endif
