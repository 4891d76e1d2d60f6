// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads from a disk, and says so before and after. hung-disk.sh sees to it that there is no after. */
#include "virtio.h"

static struct vio_queue queue;
static struct {
	u32 type, reserved;
	u64 sector;
} header;
static u8 sector[512], status = 0xff;

void guest_main(addr_t boot)
{
	struct vio disk;

	vio_find(&disk, VIO_BLK);
	vio_begin(&disk, 0);
	vio_queue(&disk, 0, &queue);
	vio_ready(&disk);
	vio_buffer(&queue, 0, &header, sizeof(header), VIO_NEXT);
	vio_buffer(&queue, 1, sector, sizeof(sector), VIO_NEXT | VIO_WRITE);
	vio_buffer(&queue, 2, &status, 1, VIO_WRITE);
	vio_offer(&queue, 0);
	vio_kick(&disk, 0);
	print("reading\n");
	vio_wait(&queue);
	print("read\n");
	power_off();
}
