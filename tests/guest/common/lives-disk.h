/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the machine's lives this is, 1 the first: counted in the first sector of the last virtio
 * disk, for boards where nothing else is left alone by a reset.
 */
#ifndef GUEST_LIVES_DISK_H
#define GUEST_LIVES_DISK_H

#include "virtio.h"

static struct vio_queue lives_queue;
static struct {
	u32 type, reserved;
	u64 sector;
} lives_header;
static u8 lives_status;
static struct vio lives_disk;

/* Sectors behind the first are the guest's, from its first life to the last. */
static inline void lives_io(u32 write, u64 sector, volatile void *bytes)
{
	lives_header.type = write;
	lives_header.sector = sector;
	lives_status = 0xff;
	vio_buffer(&lives_queue, 0, &lives_header, sizeof(lives_header), VIO_NEXT);
	vio_buffer(&lives_queue, 1, bytes, 512, VIO_NEXT | (write ? 0 : VIO_WRITE));
	vio_buffer(&lives_queue, 2, &lives_status, 1, VIO_WRITE);
	vio_offer(&lives_queue, 0);
	vio_kick(&lives_disk, 0);
	vio_wait(&lives_queue);
	CHECK_EQ("the disk's answer", lives_status, 0);
}

/* Once in a life, before devices are touched. */
static inline u32 life_begin(void)
{
	static volatile u32 sector[128];

	if (!vio_last(&lives_disk, VIO_BLK))
		fail("no disk to count lives on", 0);
	vio_begin(&lives_disk, 0);
	vio_queue(&lives_disk, 0, &lives_queue);
	vio_ready(&lives_disk);
	lives_io(0, 0, sector);
	sector[0]++;
	lives_io(1, 0, sector);
	return sector[0];
}

#endif
