// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Uses a disk, the network and its console, reboots once (the disk's second sector remembers that), and goes on until
 * it is stopped; opens.sh looks at what lkvm opens meanwhile.
 */
#include "disk.h"
#include "net.h"

static struct disk disk;
static char sector[512];

void guest_main(addr_t boot)
{
	vio_find(&disk.vio, VIO_BLK);
	disk_begin(&disk);
	disk_io(&disk, DISK_READ, 1, sector, sizeof(sector));
	net_begin();
	net_wait_alive();
	if (sector[0] != 'b') {
		print("first boot\n");
		memset(sector, 'b', sizeof(sector));
		disk_io(&disk, DISK_WRITE, 1, sector, sizeof(sector));
		reset();
	}
	print("second boot\n");
	for (;;) {
		disk_io(&disk, DISK_READ, 0, sector, sizeof(sector));
		net_wait_alive();
		sleep_ms(10);
	}
}
