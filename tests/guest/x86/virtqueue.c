// SPDX-License-Identifier: GPL-2.0-or-later
// options: --virtio-transport mmio --rng
// status: 0
// output: virtqueue ok
/*
 * A virtqueue round trip with virtio-rng over MMIO, then a broken chain: the device asks for a reset,
 * gets it, and works again. lkvm itself goes on.
 */
#include "guest.h"

#define REG(offset) (BOARD_VIRTIO_MMIO + (offset))

static struct {
	struct {
		u64 address;
		u32 len;
		u16 flags, next;
	} desc[8];
	struct {
		u16 flags, index, ring[8], used_event;
	} avail __attribute__((aligned(2)));
	struct {
		u16 flags, index;
		struct {
			u32 id, len;
		} ring[8];
		u16 avail_event;
	} used __attribute__((aligned(4)));
} ring __attribute__((aligned(4096)));
static u8 buffer[64];

static void negotiate(void)
{
	CHECK_EQ("magic", read32(REG(0)), 0x74726976);
	CHECK_EQ("version", read32(REG(4)), 2);
	CHECK_EQ("device id", read32(REG(8)), 4);
	write32(REG(0x70), 0);
	CHECK_EQ("status after a reset", read32(REG(0x70)), 0);
	write32(REG(0x70), 1 | 2);
	write32(REG(0x24), 1);
	write32(REG(0x20), 1); /* VERSION_1, nothing else */
	write32(REG(0x24), 0);
	write32(REG(0x20), 0);
	write32(REG(0x70), 1 | 2 | 8);
	CHECK_EQ("features", read32(REG(0x70)), 1 | 2 | 8);
	write32(REG(0x30), 0);
	write32(REG(0x38), 8);
	write32(REG(0x80), (u32)ring.desc);
	write32(REG(0x84), 0);
	write32(REG(0x90), (u32)&ring.avail);
	write32(REG(0x94), 0);
	write32(REG(0xa0), (u32)&ring.used);
	write32(REG(0xa4), 0);
	ring.avail.index = 0;
	ring.used.index = 0;
	write32(REG(0x44), 1);
	CHECK_EQ("queue ready", read32(REG(0x44)), 1);
	write32(REG(0x70), 1 | 2 | 4 | 8);
}

static void offer(u16 head)
{
	volatile u16 *index = &ring.avail.index;

	ring.avail.ring[*index % 8] = head;
	__asm__ volatile("" : : : "memory");
	*index += 1;
	write32(REG(0x50), 0);
}

static void round_trip(void)
{
	volatile u16 *used = &ring.used.index;
	u32 sum = 0;

	for (u32 i = 0; i < sizeof(buffer); i++)
		buffer[i] = 0;
	ring.desc[0].address = (u32)buffer;
	ring.desc[0].len = sizeof(buffer);
	ring.desc[0].flags = 2;
	offer(0);
	while (*used != 1)
		__asm__ volatile("pause");
	CHECK_EQ("used id", ring.used.ring[0].id, 0);
	CHECK_EQ("used length", ring.used.ring[0].len, sizeof(buffer));
	for (u32 i = 0; i < sizeof(buffer); i++)
		sum += buffer[i];
	if (!sum)
		fail("random bytes that are all zero", sum);
	if (!(read32(REG(0x60)) & 1))
		fail("no used-buffer interrupt", read32(REG(0x60)));
	write32(REG(0x64), 1);
}

void guest_main(u32 start_info)
{
	negotiate();
	round_trip();
	negotiate();
	ring.desc[1].address = (u32)buffer;
	ring.desc[1].len = 16;
	ring.desc[1].flags = 2 | 1;
	ring.desc[1].next = 1; /* a chain that bites its tail */
	offer(1);
	while (!(read32(REG(0x70)) & 0x40))
		__asm__ volatile("pause");
	negotiate();
	round_trip();
	print("virtqueue ok\n");
	power_off();
}
