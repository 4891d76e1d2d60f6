/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interrupt controller as the device tree tells it: GICv3 (GIC architecture specification, IHI 0069) or
 * GICv2. Interrupts are of group 1 and looked at by gic_ack(), with or without an exception before it.
 */
#ifndef GUEST_GIC_H
#define GUEST_GIC_H

#include "guest.h"
#include "fdt.h"

#define GICD_CTLR	0x0000
#define GICD_IGROUPR	0x0080
#define GICD_ISENABLER	0x0100
#define GICD_ICENABLER	0x0180
#define GICD_ISPENDR	0x0200
#define GICD_ICPENDR	0x0280
#define GICD_ISACTIVER	0x0300
#define GICD_IPRIORITYR 0x0400
#define GICD_ITARGETSR	0x0800
#define GICD_ICFGR	0x0c00
#define GICD_IROUTER	0x6000

#define GICR_SIZE      0x20000 /* each CPU */
#define GICR_CTLR      0x0000
#define GICR_WAKER     0x0014
#define GICR_PROPBASER 0x0070
#define GICR_PENDBASER 0x0078
#define GICR_SGI       0x10000 /* for the CPU's own interrupts, laid out as the distributor */

#define GICC_CTLR 0x00
#define GICC_PMR  0x04
#define GICC_IAR  0x0c
#define GICC_EOIR 0x10

#define GIC_NONE     1023
#define GIC_PRIORITY 0xa0

static struct gic {
	u32 v3;
	addr_t dist;
	addr_t redist; /* the first CPU's, or GICv2's CPU interface */
	addr_t its;    /* 0: none */
	addr_t v2m;
} gic;

static inline addr_t gic_reg(const void *tree, const char *path, u32 index)
{
	struct fdt_value reg = fdt_get(tree, path, 0, "reg");

	return reg.len >= 16 * (index + 1) ? be64(reg.bytes + 16 * index) : 0;
}

/* Once, on the first CPU. */
static inline void gic_find(addr_t tree)
{
	const void *t = (const void *)tree;
	struct fdt_value what = fdt_need(t, "/interrupt-controller", "compatible");

	gic.v3 = text_is((const char *)what.bytes, "arm,gic-v3");
	gic.dist = gic_reg(t, "/interrupt-controller", 0);
	gic.redist = gic_reg(t, "/interrupt-controller", 1);
	gic.its = gic_reg(t, "/interrupt-controller/msi-controller", 0);
	gic.v2m = gic_reg(t, "/interrupt-controller/v2m", 0);
	CHECK_EQ("the distributor's place", gic.dist, BOARD_GIC_DIST);
}

/* Where an interrupt's bits are: the CPU's own, or the distributor. */
static inline addr_t gic_frame(u32 cpu, u32 intid)
{
	return gic.v3 && intid < 32 ? gic.redist + cpu * GICR_SIZE + GICR_SGI : gic.dist;
}

/* One interrupt of this CPU, which is told. */
static inline void gic_enable(u32 cpu, u32 intid)
{
	addr_t frame = gic_frame(cpu, intid), bank = intid / 32 * 4;

	if (gic.v3)
		write32(frame + GICD_IGROUPR + bank,
			read32(frame + GICD_IGROUPR + bank) | 1U << intid % 32);
	write8(frame + GICD_IPRIORITYR + intid, GIC_PRIORITY);
	if (!gic.v3 && intid >= 32)
		write8(frame + GICD_ITARGETSR + intid, 1U << cpu);
	write32(frame + GICD_ISENABLER + bank, 1U << intid % 32);
}

static inline void gic_make_edge(u32 cpu, u32 intid)
{
	addr_t at = gic_frame(cpu, intid) + GICD_ICFGR + intid / 16 * 4;

	write32(at, read32(at) | 2U << 2 * (intid % 16));
}

/* This CPU's interface; the distributor along with the first one's. */
static inline void gic_begin(u32 cpu)
{
	if (!cpu)
		write32(gic.dist + GICD_CTLR, gic.v3 ? 1 << 4 | 1 << 1 : 1);
	if (!gic.v3) {
		write32(gic.redist + GICC_PMR, 0xff);
		write32(gic.redist + GICC_CTLR, 1);
		return;
	}
	write32(gic.redist + cpu * GICR_SIZE + GICR_WAKER, 0);
	if (current_el() == 2)
		write_sysreg(S3_4_C12_C9_5, 0xf); /* ICC_SRE_EL2: system registers, at EL1 too */
	write_sysreg(S3_0_C12_C12_5, 7);	  /* ICC_SRE_EL1 */
	write_sysreg(S3_0_C4_C6_0, 0xff);	  /* ICC_PMR_EL1 */
	write_sysreg(S3_0_C12_C12_7, 1);	  /* ICC_IGRPEN1_EL1 */
}

/* The interrupt that waits for this CPU, which is active from now on; GIC_NONE: none does. */
static inline u32 gic_take(void)
{
	u32 intid;

	if (!gic.v3)
		return read32(gic.redist + GICC_IAR) & 1023;
	intid = read_sysreg(S3_0_C12_C12_0); /* ICC_IAR1_EL1 */
	memory_barrier();
	return intid;
}

static inline void gic_done(u32 intid)
{
	if (gic.v3)
		write_sysreg(S3_0_C12_C12_1, intid); /* ICC_EOIR1_EL1 */
	else
		write32(gic.redist + GICC_EOIR, intid);
}

static inline u32 gic_ack(void)
{
	u32 intid = gic_take();

	if (intid != GIC_NONE)
		gic_done(intid);
	return intid;
}

/* An interrupt comes by itself, soon, and is active from then on; which? */
static inline u32 gic_wait(void)
{
	u32 intid = gic_take();

	for (u32 i = 0; intid == GIC_NONE && i < 1000000; i++)
		intid = gic_take();
	return intid;
}

/*
 * The interrupt of a device at level, then gone: `quiet` makes it so, and it comes no more.
 */
static inline void gic_expect(const char *what, u32 intid, void (*quiet)(void))
{
	CHECK_EQ(what, gic_wait(), intid);
	quiet();
	gic_done(intid);
	CHECK_EQ("an interrupt again", gic_ack(), GIC_NONE);
}

/* INTID of the nth interrupt of a node, three cells each. */
static inline u32 gic_intid(const void *tree, const char *path, u32 nth_node, u32 nth)
{
	struct fdt_value v = fdt_get(tree, path, nth_node, "interrupts");
	const u8 *cells = v.bytes + 12 * nth;

	if (!v.bytes || v.len < 12 * (nth + 1)) {
		print(path);
		fail("interrupts", v.len);
	}
	return be32(cells + 4) + (be32(cells) ? 16 : 32);
}

#endif
