// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads from a disk, and says so before and after. hung-disk.sh sees to it that there is no after. */
#include "disk.h"

static struct disk disk;
static u8 sector[512];

void guest_main(addr_t boot)
{
	vio_find(&disk.vio, VIO_BLK);
	disk_begin(&disk);
	disk_submit(&disk, DISK_READ, 0, sector, sizeof(sector));
	print("reading\n");
	vio_wait(&disk.queue);
	print("read\n");
	power_off();
}
