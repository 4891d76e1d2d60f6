// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A virtio device is given what the guest keeps for itself: a buffer, a ring from the beginning, a ring that was
 * shared. Each breaks the device and nothing else; with shared memory it works again after a reset.
 */
// options: --vm-type sw-protected --rng
// status: 0
// output: private queue ok
// without: not offered by this host's KVM
#include "guest.h"
#include "private.h"
#include "virtio.h"

#define ACCESS_PLATFORM (1U << 1) /* bit 33 */

static struct vio rng;
static struct vio_queue queue;
static u8 buffer[PAGE] __attribute__((aligned(4096)));

static void set_up(void)
{
	vio_begin(&rng, 0);
	vio_queue(&rng, 0, &queue);
	vio_ready(&rng);
}

static void offer(void)
{
	vio_buffer(&queue, 0, buffer, 64, VIO_WRITE);
	vio_offer(&queue, 0);
	vio_kick(&rng, 0);
}

static void works(void)
{
	set_up();
	for (u32 i = 0; i < 3; i++) {
		offer();
		vio_wait(&queue);
	}
	CHECK_EQ("random bytes", queue.used.ring[2].len, 64);
}

static void breaks(void)
{
	while (!(vio_status(&rng) & VIO_NEEDS_RESET))
		cpu_relax();
}

static void private_buffer(void)
{
	set_up();
	convert((u32)buffer, 1, PRIVATE);
	offer();
	breaks();
	CHECK_EQ("chains used", queue.used.index, 0);
	check_zero("the private buffer", (u32)buffer);
	convert((u32)buffer, 1, SHARED);
	check_zero("the buffer, shared again", (u32)buffer);
	works();
}

static void private_ring(void)
{
	convert((u32)&queue, 1, PRIVATE);
	set_up();
	breaks();
	convert((u32)&queue, 1, SHARED);
	works();
}

static void ring_made_private(void)
{
	works();
	convert((u32)&queue, 1, PRIVATE);
	for (u32 i = 0; i < PAGE / 4; i++)
		((volatile u32 *)&queue)[i] = 0;
	offer();
	breaks();
	CHECK_EQ("chains used in private memory", queue.used.index, 0);
	convert((u32)&queue, 1, SHARED);
	check_zero("the ring, shared again", (u32)&queue);
	works();
}

_Static_assert(sizeof(queue) == PAGE, "all of it in one page");

void guest_main(addr_t boot)
{
	vio_find(&rng, VIO_RNG);
	if (!(vio_high_features(&rng) & ACCESS_PLATFORM))
		fail("ACCESS_PLATFORM is not offered", 0);
	works();
	private_buffer();
	private_ring();
	ring_made_private();
	print("private queue ok\n");
	power_off();
}
