// SPDX-License-Identifier: GPL-2.0-or-later
// options: --virtio-transport pci --rng
// status: 0
// output: virtio-pci ok
/*
 * virtio-rng over PCI as a driver finds it: capabilities, BARs that are sized and moved, kicks, INTx
 * (seen in the ISR register) and MSI-X, whose message is seen to arrive at the interrupt controller.
 */
#include "virtio.h"
#include "msi.h"

#define BAR_NEW	  (BOARD_PCI_MMIO + 0x10000000U)
#define NO_VECTOR 0xffff

static struct vio rng;
static struct vio_queue queue;
static volatile u8 buffer[64];

static u32 config(u32 offset)
{
	return pci_config(rng.slot, offset);
}

static void set_config(u32 offset, u32 value)
{
	pci_set_config(rng.slot, offset, value);
}

static void begin(u16 vector)
{
	vio_begin(&rng, 0);
	/* Enabling takes the vector as it is by then. */
	write16(rng.common + 22, 0);
	write16(rng.common + 26, vector);
	CHECK_EQ("queue vector", read16(rng.common + 26), vector);
	vio_queue(&rng, 0, &queue);
	CHECK_EQ("queue enabled", read16(rng.common + 28), 1);
	vio_ready(&rng);
}

/* The interrupt follows the used index by a moment. */
static void wait_isr(void)
{
	while (!(read8(rng.isr) & 1))
		cpu_relax();
	CHECK_EQ("ISR after it was read", read8(rng.isr), 0);
}

static void move_bar(void)
{
	u32 old = config(0x10), high = config(0x14);
	addr_t common = rng.common;

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
	vio_find_bars(&rng);
	CHECK_EQ("the new place", rng.common & ~0xfffU, BAR_NEW);
}

static void by_msix(void)
{
	u64 address;
	u32 data;

	msi_setup(rng.slot << 3, &address, &data);
	CHECK_EQ("message at first", msi_arrived(), 0);
	set_config(rng.msix_cap, config(rng.msix_cap) | 1U << 31);
	write32(rng.msix + 16, address);
	write32(rng.msix + 20, address >> 32);
	write32(rng.msix + 24, data);
	begin(1);
	/* Masked: pending, and delivered by taking the mask away. */
	vio_random(&rng, &queue, buffer, sizeof(buffer));
	while (!(read32(rng.msix + 0x800) & 2))
		cpu_relax();
	CHECK_EQ("message while masked", msi_arrived(), 0);
	write32(rng.msix + 28, 0);
	while (!msi_arrived())
		cpu_relax();
	CHECK_EQ("pending bits", read32(rng.msix + 0x800), 0);
	vio_random(&rng, &queue, buffer, sizeof(buffer));
	CHECK_EQ("ISR with MSI-X", read8(rng.isr), 0);
}

void guest_main(addr_t boot)
{
	if (!vio_pci(&rng, VIO_RNG))
		fail("no virtio-rng on the bus", 0);
	if (!rng.common || !rng.isr || !rng.notify || !rng.msix_cap)
		fail("a capability is missing", rng.msix_cap);
	begin(NO_VECTOR);
	vio_random(&rng, &queue, buffer, sizeof(buffer));
	wait_isr();
	/* With the queue alive: its doorbell has to move along. */
	move_bar();
	vio_random(&rng, &queue, buffer, sizeof(buffer));
	wait_isr();
	by_msix();
	print("virtio-pci ok\n");
	power_off();
}
