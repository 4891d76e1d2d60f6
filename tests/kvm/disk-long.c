// SPDX-License-Identifier: GPL-2.0-or-later
/* Queues 128 reads of 248 MiB each, and powers off at a byte of input; disk-long.sh does not want to wait for them. */
#include "disk.h"

#define NR     128
#define SIZE   256 /* of the queue */
#define BUFFER 0x10000000
#define LENGTH (248 << 20)

static struct disk disk;
/* More room than vio_queue() has. */
static struct {
	struct vio_desc desc[SIZE];
	struct {
		u16 flags, index, ring[SIZE], used_event;
	} avail;
	struct {
		u16 flags, index;
		struct {
			u32 id, len;
		} ring[SIZE];
		u16 avail_event;
	} used __attribute__((aligned(4)));
} queue __attribute__((aligned(4096)));

void guest_main(addr_t boot)
{
	vio_find(&disk.vio, VIO_BLK);
	vio_begin(&disk.vio, 0);
	vio_enable(&disk.vio, 0, SIZE, gpa(queue.desc), gpa(&queue.avail), gpa(&queue.used));
	vio_ready(&disk.vio);
	/* All of them into the same memory, which the device need not know. */
	for (u32 i = 0; i < NR; i++) {
		queue.desc[i] =
			(struct vio_desc){ gpa(&disk.header), sizeof(disk.header), VIO_NEXT, NR };
		queue.avail.ring[i] = i;
	}
	queue.desc[NR] = (struct vio_desc){ BUFFER, LENGTH, VIO_NEXT | VIO_WRITE, NR + 1 };
	queue.desc[NR + 1] = (struct vio_desc){ gpa(&disk.status), 1, VIO_WRITE, 0 };
	queue.avail.index = NR;
	vio_kick(&disk.vio, 0);
	print("queued\n");
	while (!(uart_read(0, 5) & 1))
		cpu_relax();
	if (*(volatile u16 *)&queue.used.index == NR)
		print("all done\n");
	power_off();
}
