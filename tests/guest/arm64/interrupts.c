// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts arrive as the device tree tells them: the serial port's, a virtio device's behind MMIO or
 * behind PCI (INTx by way of interrupt-map, then MSI-X), an SGI of our own. interrupts.sh runs it with
 * every interrupt controller that the host has.
 */
#include "msi.h"
#include "virtio.h"

#define UART_IIR     2
#define UART_IER_THR 2 /* the transmitter is empty */

static struct vio rng;
static struct vio_queue queue;
static volatile u8 buffer[16];

static void quiet_uart(void)
{
	uart_write(0, UART_IER, 0);
}

static void serial_port(const void *tree)
{
	u32 intid = gic_intid(tree, "/serial", 0, 0);

	gic_enable(0, intid);
	uart_write(0, UART_IER, UART_IER_THR);
	gic_expect("the serial port's interrupt", intid, quiet_uart);
}

static void use_rng(void)
{
	vio_buffer(&queue, 0, buffer, sizeof(buffer), VIO_WRITE);
	vio_offer(&queue, 0);
	vio_kick(&rng, 0);
}

static void quiet_rng(void)
{
	if (!rng.mmio) {
		CHECK_EQ("ISR", read8(rng.isr), 1);
		return;
	}
	CHECK_EQ("interrupt status", read32(rng.mmio + 0x60), 1);
	write32(rng.mmio + 0x64, 1);
}

static void expect_rng(u32 intid)
{
	gic_enable(0, intid);
	vio_begin(&rng, 0);
	vio_queue(&rng, 0, &queue);
	vio_ready(&rng);
	for (u32 i = 0; i < 3; i++) {
		use_rng();
		gic_expect("the virtio device's interrupt", intid, quiet_rng);
	}
	vio_set_status(&rng, 0);
}

static void by_mmio(const void *tree)
{
	for (u32 i = 0;; i++) {
		struct fdt_value reg = fdt_get(tree, "/virtio_mmio", i, "reg");

		if (!reg.bytes)
			fail("no node for the virtio device", rng.mmio);
		if (be64(reg.bytes) != rng.mmio)
			continue;
		expect_rng(gic_intid(tree, "/virtio_mmio", i, 0));
		return;
	}
}

/* "PCI Bus Binding": the masked slot and pin are looked for in the map. */
static u32 intx_intid(const void *tree)
{
	struct fdt_value map = fdt_need(tree, "/pci", "interrupt-map");
	struct fdt_value mask = fdt_need(tree, "/pci", "interrupt-map-mask");
	u32 pin = pci_config(rng.slot, 0x3d) & 0xff, entry = 4 * (3 + 1 + 1 + 2 + 3);

	CHECK_EQ("interrupt pin", pin, 1);
	for (u32 at = 0; at + entry <= map.len; at += entry) {
		const u8 *cells = map.bytes + at;

		if (be32(cells) == (rng.slot << 11 & be32(mask.bytes)) && be32(cells + 12) == pin)
			return be32(cells + 32) + (be32(cells + 28) ? 16 : 32);
	}
	fail("no such slot in interrupt-map", rng.slot);
	return 0;
}

/* Requester ids are device ids. */
static void check_msi_map(const void *tree)
{
	struct fdt_value map = fdt_need(tree, "/pci", "msi-map");

	CHECK_EQ("msi-map's size", map.len, 16);
	CHECK_EQ("msi-map's first requester", be32(map.bytes), 0);
	CHECK_EQ("its device id", be32(map.bytes + 8), 0);
	if (be32(map.bytes + 12) <= rng.slot << 3)
		fail("msi-map's length", be32(map.bytes + 12));
}

static void by_msix(const void *tree)
{
	u64 address;
	u32 data;

	check_msi_map(tree);
	msi_setup(rng.slot << 3, &address, &data);
	pci_set_config(rng.slot, rng.msix_cap, pci_config(rng.slot, rng.msix_cap) | 1U << 31);
	write32(rng.msix + 16, address);
	write32(rng.msix + 20, address >> 32);
	write32(rng.msix + 24, data);
	write32(rng.msix + 28, 0);
	vio_begin(&rng, 0);
	write16(rng.common + 22, 0);
	write16(rng.common + 26, 1);
	vio_queue(&rng, 0, &queue);
	vio_ready(&rng);
	for (u32 i = 0; i < 3; i++) {
		use_rng();
		while (!msi_arrived())
			cpu_relax();
	}
	vio_set_status(&rng, 0);
}

static void sgi(void)
{
	gic_enable(0, 3);
	if (gic.v3)
		write_sysreg(S3_0_C12_C11_5, 3 << 24 | 1); /* ICC_SGI1R_EL1 */
	else
		write32(gic.dist + 0xf00, 2 << 24 | 3);
	CHECK_EQ("an SGI", gic_wait(), 3);
	gic_done(3);
}

void guest_main(addr_t boot)
{
	const void *tree = (const void *)boot;

	gic_find(boot);
	gic_begin(0);
	CHECK_EQ("an interrupt at first", gic_ack(), GIC_NONE);
	sgi();
	serial_port(tree);
	if (vio_mmio(&rng, VIO_RNG)) {
		by_mmio(tree);
	} else if (vio_pci(&rng, VIO_RNG)) {
		pci_set_config(rng.slot, 4, 6);
		expect_rng(intx_intid(tree));
		if (gic.its || gic.v2m)
			by_msix(tree);
	} else {
		fail("no virtio device", 0);
	}
	print(gic.its ? "its\n" : gic.v2m ? "v2m\n" : gic.v3 ? "v3\n" : "v2\n");
	power_off();
}
