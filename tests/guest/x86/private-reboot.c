// SPDX-License-Identifier: GPL-2.0-or-later
/* What was private in one life of the machine is shared, and all zeroes, in the next. */
// options: --vm-type sw-protected --rng --reboot
// status: 0
// output: private reboot ok
// without: not offered by this host's KVM
#include "guest.h"
#include "lives.h"
#include "private.h"
#include "virtio.h"

#define AREA   0x2000000U
#define PAGES  600U
#define SECRET 0x70000U
#define LIVES  4

static struct vio rng;
static struct vio_queue queue;

/* Devices reach shared pages only. */
static void device_reaches(u32 page)
{
	vio_begin(&rng, 0);
	vio_queue(&rng, 0, &queue);
	vio_ready(&rng);
	vio_buffer(&queue, 0, (void *)page, PAGE, VIO_WRITE);
	vio_offer(&queue, 0);
	vio_kick(&rng, 0);
	vio_wait(&queue);
	CHECK_EQ("bytes of the device", queue.used.ring[0].len, PAGE);
}

void guest_main(addr_t boot)
{
	u32 life = life_begin();

	vio_find(&rng, VIO_RNG);
	for (u32 i = 0; i < PAGES; i++)
		check_zero("memory of a new life", AREA + i * PAGE);
	device_reaches(AREA + (PAGES - 1) * PAGE);
	if (life == LIVES) {
		print("private reboot ok\n");
		power_off();
	}
	convert(AREA, PAGES, PRIVATE);
	for (u32 i = 0; i < PAGES; i++)
		fill(AREA + i * PAGE, SECRET + i);
	convert(AREA + 5 * PAGE, 7, SHARED);
	reset();
}
