// SPDX-License-Identifier: GPL-2.0-or-later
// options: --virtio-transport pci --rng
// status: 0
// output: virtio-pci ok
/*
 * virtio-rng over PCI as a driver finds it: capabilities, BARs that are sized and moved, kicks, INTx
 * (seen in the ISR register) and MSI-X, whose vector is looked for in the local APIC's request register:
 * interrupts stay off, so no handler is needed.
 */
#include "guest.h"

#define BAR_NEW	   (BOARD_PCI_MMIO + 0x10000000U)
#define VECTOR	   0x61
#define LAPIC_SVR  (BOARD_LAPIC + 0xf0)
#define LAPIC_IRR  (BOARD_LAPIC + 0x200 + VECTOR / 32 * 0x10)
#define NO_VECTOR  0xffff
#define PCI_VENDOR 0x09
#define PCI_MSIX   0x11

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

static u32 slot;
static u32 common, isr, notify, multiplier, msix_table, msix_cap;

static u32 config(u32 offset)
{
	outl(0xcf8, 0x80000000 | slot << 11 | (offset & 0xfc));
	return inl(0xcfc) >> 8 * (offset & 3);
}

static void set_config(u32 offset, u32 value)
{
	outl(0xcf8, 0x80000000 | slot << 11 | offset);
	outl(0xcfc, value);
}

static u16 read16(u32 address)
{
	return *(volatile u16 *)address;
}

static void write16(u32 address, u16 value)
{
	*(volatile u16 *)address = value;
}

static u8 read8(u32 address)
{
	return *(volatile u8 *)address;
}

static void write8(u32 address, u8 value)
{
	*(volatile u8 *)address = value;
}

static void find_device(void)
{
	for (slot = 1; slot < 32; slot++) {
		if (config(0) == 0x10441af4) {
			CHECK_EQ("the same by ECAM", read32(BOARD_ECAM + (slot << 15)), 0x10441af4);
			return;
		}
	}
	fail("no virtio-rng on the bus", config(0));
}

static u32 bar(u32 index)
{
	return config(0x10 + 4 * index) & ~15U;
}

static void find_registers(void)
{
	for (u32 at = config(0x34) & 0xff; at; at = config(at + 1) & 0xff) {
		u32 address = bar(config(at + 4) & 7) + config(at + 8);

		if ((config(at) & 0xff) == PCI_MSIX) {
			msix_cap = at;
			msix_table = bar(config(at + 4) & 7);
		}
		if ((config(at) & 0xff) != PCI_VENDOR)
			continue;
		switch (config(at + 3) & 0xff) {
		case 1:
			common = address;
			break;
		case 2:
			notify = address;
			multiplier = config(at + 16);
			break;
		case 3:
			isr = address;
			break;
		}
	}
	if (!common || !isr || !notify || !msix_cap)
		fail("a capability is missing", common);
}

static void negotiate(u16 vector)
{
	write8(common + 20, 0);
	CHECK_EQ("status after a reset", read8(common + 20), 0);
	write8(common + 20, 1 | 2);
	write32(common + 8, 1);
	write32(common + 12, 1); /* VERSION_1, nothing else */
	write8(common + 20, 1 | 2 | 8);
	CHECK_EQ("features", read8(common + 20), 1 | 2 | 8);
	write16(common + 22, 0);
	write16(common + 24, 8);
	write32(common + 32, (u32)ring.desc);
	write32(common + 40, (u32)&ring.avail);
	write32(common + 48, (u32)&ring.used);
	write16(common + 26, vector);
	CHECK_EQ("queue vector", read16(common + 26), vector);
	ring.avail.index = 0;
	ring.used.index = 0;
	write16(common + 28, 1);
	CHECK_EQ("queue enabled", read16(common + 28), 1);
	write8(common + 20, 1 | 2 | 4 | 8);
}

static void round_trip(void)
{
	volatile u16 *avail = &ring.avail.index, *used = &ring.used.index;
	u16 want = *used + 1;
	u32 sum = 0;

	for (u32 i = 0; i < sizeof(buffer); i++)
		buffer[i] = 0;
	ring.desc[0].address = (u32)buffer;
	ring.desc[0].len = sizeof(buffer);
	ring.desc[0].flags = 2;
	ring.avail.ring[*avail % 8] = 0;
	__asm__ volatile("" : : : "memory");
	*avail += 1;
	write16(notify + read16(common + 30) * multiplier, 0);
	while (*used != want)
		__asm__ volatile("pause");
	for (u32 i = 0; i < sizeof(buffer); i++)
		sum += *(volatile u8 *)&buffer[i];
	if (!sum)
		fail("random bytes that are all zero", sum);
}

/* The interrupt follows the used index by a moment. */
static void wait_isr(void)
{
	while (!(read8(isr) & 1))
		__asm__ volatile("pause");
	CHECK_EQ("ISR after it was read", read8(isr), 0);
}

static void move_bar(void)
{
	u32 old = config(0x10), high = config(0x14);

	set_config(0x04, 0);
	set_config(0x10, ~0U);
	set_config(0x14, ~0U);
	CHECK_EQ("BAR size", config(0x10) & ~15U, 0xffffc000);
	CHECK_EQ("BAR size, high", config(0x14), ~0U);
	set_config(0x14, high);
	set_config(0x10, old);
	CHECK_EQ("BAR restored", config(0x10), old);
	CHECK_EQ("not decoded", read32(common), ~0U);
	set_config(0x10, BAR_NEW);
	set_config(0x14, 0);
	set_config(0x04, 6);
	CHECK_EQ("the old place", read32(common), ~0U);
	find_registers();
	CHECK_EQ("the new place", common & ~0xfffU, BAR_NEW);
}

static void by_msix(void)
{
	write32(LAPIC_SVR, 0x1ff);
	CHECK_EQ("IRR at first", read32(LAPIC_IRR) & 1U << VECTOR % 32, 0);
	set_config(msix_cap, config(msix_cap) | 1U << 31);
	write32(msix_table + 16, BOARD_LAPIC);
	write32(msix_table + 20, 0);
	write32(msix_table + 24, VECTOR);
	negotiate(1);
	/* Masked: pending, and delivered by taking the mask away. */
	round_trip();
	while (!(read32(msix_table + 0x800) & 2))
		__asm__ volatile("pause");
	CHECK_EQ("IRR while masked", read32(LAPIC_IRR) & 1U << VECTOR % 32, 0);
	write32(msix_table + 28, 0);
	while (!(read32(LAPIC_IRR) & 1U << VECTOR % 32))
		__asm__ volatile("pause");
	CHECK_EQ("pending bits", read32(msix_table + 0x800), 0);
	round_trip();
	CHECK_EQ("ISR with MSI-X", read8(isr), 0);
}

void guest_main(u32 start_info)
{
	find_device();
	find_registers();
	negotiate(NO_VECTOR);
	round_trip();
	wait_isr();
	/* With the queue alive: its doorbell has to move along. */
	move_bar();
	round_trip();
	wait_isr();
	by_msix();
	print("virtio-pci ok\n");
	power_off();
}
