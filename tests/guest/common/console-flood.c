// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints without end through the virtio console, as much at once as a chain can hold. */
#include "virtio.h"

#define PIECE 8192 /* what lkvm takes at once */

static struct vio_queue queue;
static u8 text[PIECE];

void guest_main(addr_t boot)
{
	volatile u16 *used = &queue.used.index, *avail = &queue.avail.index;
	struct vio console;

	for (u32 i = 0; i < PIECE; i++)
		text[i] = i % 64 == 63 ? '\n' : '.';
	vio_find(&console, VIO_CONSOLE);
	vio_begin(&console, 0);
	vio_queue(&console, 1, &queue);
	vio_ready(&console);
	/* Every chain begins at another of the descriptors and ends with the last. */
	for (u32 i = 0; i < VIO_SIZE; i++)
		vio_buffer(&queue, i, text, PIECE, i == VIO_SIZE - 1 ? 0 : VIO_NEXT);
	for (u16 head = 0;; head = (head + 1) % VIO_SIZE) {
		while ((u16)(*avail - *used) == VIO_SIZE)
			vio_kick(&console, 1);
		vio_offer(&queue, head);
		vio_kick(&console, 1);
	}
}
