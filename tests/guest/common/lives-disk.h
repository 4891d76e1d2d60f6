/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the machine's lives this is, 1 the first: counted in the first sector of the last virtio
 * disk, for boards where nothing else is left alone by a reset.
 */
#ifndef GUEST_LIVES_DISK_H
#define GUEST_LIVES_DISK_H

#include "disk.h"

/* Sectors behind the first are the guest's, from its first life to the last. */
static struct disk lives_disk;

/* Once in a life, before devices are touched. */
static inline u32 life_begin(void)
{
	static volatile u32 sector[128];

	if (!vio_last(&lives_disk.vio, VIO_BLK))
		fail("no disk to count lives on", 0);
	disk_begin(&lives_disk);
	disk_io(&lives_disk, DISK_READ, 0, sector, sizeof(sector));
	sector[0]++;
	disk_io(&lives_disk, DISK_WRITE, 0, sector, sizeof(sector));
	return sector[0];
}

#endif
