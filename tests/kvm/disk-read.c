// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints a sector, and writes it to the next one; disk-read.sh runs it over both transports. */
#include "disk.h"

static struct disk disk;
static char sector[512];

void guest_main(addr_t boot)
{
	vio_find(&disk.vio, VIO_BLK);
	disk_begin(&disk);
	disk_io(&disk, DISK_READ, 1, sector, sizeof(sector));
	uart_puts(sector, sizeof(sector));
	disk_io(&disk, DISK_WRITE, 2, sector, sizeof(sector));
	power_off();
}
