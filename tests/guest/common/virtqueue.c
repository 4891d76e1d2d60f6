// SPDX-License-Identifier: GPL-2.0-or-later
// options: --virtio-transport mmio --rng
// status: 0
// output: virtqueue ok
/*
 * A virtqueue round trip with virtio-rng over MMIO, then a broken chain: the device asks for a reset,
 * gets it, and works again. lkvm itself goes on.
 */
#include "virtio.h"

static struct vio rng;
static struct vio_queue queue;
static volatile u8 buffer[64];

static void begin(void)
{
	CHECK_EQ("magic", read32(rng.mmio), 0x74726976);
	CHECK_EQ("version", read32(rng.mmio + 4), 2);
	CHECK_EQ("device id", read32(rng.mmio + 8), VIO_RNG);
	vio_begin(&rng, 0);
	vio_queue(&rng, 0, &queue);
	CHECK_EQ("queue ready", read32(rng.mmio + 0x44), 1);
	vio_ready(&rng);
}

static void round_trip(void)
{
	vio_random(&rng, &queue, buffer, sizeof(buffer));
	CHECK_EQ("used id", queue.used.ring[0].id, 0);
	CHECK_EQ("used length", queue.used.ring[0].len, sizeof(buffer));
	/* The interrupt follows the used index by a moment. */
	while (!(read32(rng.mmio + 0x60) & 1))
		cpu_relax();
	write32(rng.mmio + 0x64, 1);
	CHECK_EQ("interrupt acknowledged", read32(rng.mmio + 0x60), 0);
}

void guest_main(addr_t boot)
{
	if (!vio_mmio(&rng, VIO_RNG))
		fail("no virtio-rng", 0);
	begin();
	round_trip();
	begin();
	vio_buffer(&queue, 1, buffer, 16, VIO_WRITE | VIO_NEXT);
	queue.desc[1].next = 1; /* a chain that bites its tail */
	vio_offer(&queue, 1);
	vio_kick(&rng, 0);
	while (!(vio_status(&rng) & VIO_NEEDS_RESET))
		cpu_relax();
	begin();
	round_trip();
	print("virtqueue ok\n");
	power_off();
}
