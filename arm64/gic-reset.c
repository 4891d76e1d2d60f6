// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The interrupt controller's reset, register by register (GIC architecture specification, 12.8 to 12.11):
 * KVM has one of its own only for the ITS. Userspace's accesses differ from a guest's where
 * Documentation/virt/kvm/devices/arm-vgic-v3.rst says so.
 */
#include <errno.h>
#include <string.h>

#include "arch-vm.h"
#include "board.h"
#include "lkvm/host/kvm-device.h"
#include "lkvm/host/kvm.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vcpu.h"

#define GICD_CTLR	0x0000
#define GICD_IIDR	0x0008
#define GICD_IGROUPR	0x0080
#define GICD_ISENABLER	0x0100
#define GICD_ICENABLER	0x0180
#define GICD_ISPENDR	0x0200
#define GICD_ICPENDR	0x0280
#define GICD_ICACTIVER	0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ITARGETSR	0x0800 /* GICv2 */
#define GICD_ICFGR	0x0c00
#define GICD_IROUTER	0x6000 /* GICv3 */

#define GICR_CTLR      0x00000
#define GICR_PROPBASER 0x00070
#define GICR_PENDBASER 0x00078
#define GICR_SGI       0x10000 /* the second page, laid out as the distributor's beginning */

#define ICC_REG(op0, op1, crn, crm, op2)                                                           \
	((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

/* One bit, a byte or two bits an interrupt. What enables comes last. */
static const struct bank {
	u16 offset;
	u8 bits;
} banks[GIC_NR_BANKS] = {
	[GIC_GROUP] = { GICD_IGROUPR, 1 },
	[GIC_PRIORITY] = { GICD_IPRIORITYR, 8 },
	[GIC_CONFIG] = { GICD_ICFGR, 2 },
	[GIC_ENABLED] = { GICD_ISENABLER, 1 },
};

static const u16 tables[GIC_NR_TABLES] = {
	GICR_PROPBASER,
	GICR_PROPBASER + 4,
	GICR_PENDBASER,
	GICR_PENDBASER + 4,
};

/* The CPU interface. Not every host has all active-priority registers. What enables comes last. */
static const u16 cpu_v3[GIC_MAX_CPU_REGISTERS] = {
	ICC_REG(3, 0, 12, 12, 4), /* CTLR */
	ICC_REG(3, 0, 4, 6, 0),	  /* PMR */
	ICC_REG(3, 0, 12, 8, 3),  /* BPR0 */
	ICC_REG(3, 0, 12, 12, 3), /* BPR1 */
	ICC_REG(3, 0, 12, 8, 4),  /* AP0R0 to AP0R3 */
	ICC_REG(3, 0, 12, 8, 5),  ICC_REG(3, 0, 12, 8, 6),
	ICC_REG(3, 0, 12, 8, 7),  ICC_REG(3, 0, 12, 9, 0), /* AP1R0 to AP1R3 */
	ICC_REG(3, 0, 12, 9, 1),  ICC_REG(3, 0, 12, 9, 2),
	ICC_REG(3, 0, 12, 9, 3),  ICC_REG(3, 0, 12, 12, 6), /* IGRPEN0 */
	ICC_REG(3, 0, 12, 12, 7),			    /* IGRPEN1 */
};

#define V2_END 0xffff
static const u16 cpu_v2[GIC_MAX_CPU_REGISTERS] = {
	0x04, /* PMR */
	0x08, /* BPR */
	0x1c, /* ABPR */
	0xd0, /* APR0 */
	0x00, /* CTLR */
	V2_END,
};

/* Where a vCPU's own interrupts, and its interface, are to KVM. */
struct place {
	u32 group;
	u64 attr; /* to which offsets are added */
};

/* MPIDR's four affinity fields, packed. */
static u64 gic_affinity(const struct vcpu *vcpu)
{
	u64 mpidr = vcpu->arch.mpidr;

	return ((mpidr & 0xffffff) | (mpidr >> 32 & 0xff) << 24) << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT;
}

static struct place own_frame(const struct gic *gic, const struct vcpu *vcpu)
{
	if (gic_is_v3(gic))
		return (struct place){ KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
				       gic_affinity(vcpu) | GICR_SGI };
	return (struct place){ KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
			       (u64)vcpu->id << KVM_DEV_ARM_VGIC_CPUID_SHIFT };
}

static const struct place distributor = { KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0 };

static int gic_put(struct gic *gic, struct place place, u64 offset, u32 value)
{
	return kvm_device_set(gic->fd, place.group, place.attr + offset, &value);
}

/* ---- the CPU interface: of GICv3 by system registers of 64 bits, of GICv2 by words in memory ---- */

static bool is_cpu_register(const struct gic *gic, unsigned i)
{
	return i < GIC_MAX_CPU_REGISTERS && (gic_is_v3(gic) ? cpu_v3[i] != 0 : cpu_v2[i] != V2_END);
}

/* Of 32 bits, GICv2's values are the lower half of the u64 that is passed. */
static struct place cpu_interface(const struct gic *gic, const struct vcpu *vcpu, unsigned i)
{
	if (gic_is_v3(gic))
		return (struct place){ KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
				       gic_affinity(vcpu) | cpu_v3[i] };
	return (struct place){ KVM_DEV_ARM_VGIC_GRP_CPU_REGS,
			       own_frame(gic, vcpu).attr | cpu_v2[i] };
}

/* ---- reset state ---- */

static int note_frame(const struct gic *gic, struct place place, unsigned first, u32 *notes)
{
	int err = 0;

	for (unsigned b = 0; b < GIC_NR_BANKS && !err; b++)
		err = kvm_device_get(gic->fd, place.group,
				     place.attr + banks[b].offset + first * banks[b].bits / 8,
				     &notes[b]);
	return err;
}

/* KVM lets GICv2's group registers be written only after IIDR was written with the value that it reads as. */
static int unlock_groups(const struct gic *gic)
{
	u32 iidr = 0;
	int err = kvm_device_get(gic->fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_IIDR, &iidr);

	return err ?: kvm_device_set(gic->fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_IIDR, &iidr);
}

int gic_note_reset_state(struct vm *vm, struct gic *gic)
{
	const struct vcpu *vcpu = vm->vcpus[0];
	struct gic_reset_state *reset_state = &gic->reset_state;
	int err = gic_is_v3(gic) ? 0 : unlock_groups(gic);

	err = err ?: note_frame(gic, distributor, BOARD_SPI_BASE, reset_state->spi);
	err = err ?: note_frame(gic, own_frame(gic, vcpu), 0, reset_state->own);
	for (unsigned i = 0; i < GIC_NR_TABLES && gic_is_v3(gic) && !err; i++)
		err = kvm_device_get(gic->fd, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
				     gic_affinity(vcpu) | tables[i], &reset_state->tables[i]);
	for (unsigned i = 0; is_cpu_register(gic, i); i++) {
		struct place place = cpu_interface(gic, vcpu, i);

		reset_state->has_cpu[i] =
			!kvm_device_get(gic->fd, place.group, place.attr, &reset_state->cpu[i]);
	}
	if (err)
		log_fatal("--reboot: KVM does not tell the interrupt controller's state: %s",
			  strerror(-err));
	return err;
}

/* ---- reset ---- */

/* Every interrupt of a frame off and at rest, then its reset state. */
static int reset_frame(struct gic *gic, struct place place, const u32 *reset_state, unsigned first,
		       unsigned end)
{
	bool v3 = gic_is_v3(gic);
	int err = 0;

	for (unsigned i = first; i < end && !err; i += 32) {
		err = gic_put(gic, place, GICD_ICENABLER + i / 8, ~0U);
		/* With GICv3 userspace's writes here are what is pending, and ICPENDR has none. */
		if (!err)
			err = gic_put(gic, place, (v3 ? GICD_ISPENDR : GICD_ICPENDR) + i / 8,
				      v3 ? 0 : ~0U);
		err = err ?: gic_put(gic, place, GICD_ICACTIVER + i / 8, ~0U);
	}
	for (unsigned b = 0; b < GIC_NR_BANKS; b++)
		for (unsigned i = first; i < end && !err; i += 32 / banks[b].bits)
			err = gic_put(gic, place, banks[b].offset + i * banks[b].bits / 8,
				      reset_state[b]);
	return err;
}

/* Which CPU has it: the first by affinity, none by GICv2's mask. */
static int reset_targets(struct gic *gic)
{
	int err = 0;

	for (unsigned i = BOARD_SPI_BASE; i < BOARD_SPI_BASE + BOARD_NR_GSIS && !err; i++) {
		if (gic_is_v3(gic))
			err = gic_put(gic, distributor, GICD_IROUTER + 8 * i, 0);
		else if (i % 4 == 0)
			err = gic_put(gic, distributor, GICD_ITARGETSR + i, 0);
	}
	return err;
}

/* LPIs: off, and what was pending of them goes; then the places of their tables may be changed. */
static int reset_lpis(struct gic *gic, const struct vcpu *vcpu)
{
	struct place place = { KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, gic_affinity(vcpu) };
	int err = gic_put(gic, place, GICR_CTLR, 0);

	for (unsigned i = 0; i < GIC_NR_TABLES && !err; i++)
		err = gic_put(gic, place, tables[i], gic->reset_state.tables[i]);
	return err;
}

static int reset_vcpu(struct gic *gic, const struct vcpu *vcpu)
{
	int err = gic_is_v3(gic) ? reset_lpis(gic, vcpu) : 0;

	if (!err)
		err = reset_frame(gic, own_frame(gic, vcpu), gic->reset_state.own, 0,
				  BOARD_SPI_BASE);
	for (unsigned i = 0; is_cpu_register(gic, i) && !err; i++) {
		struct place place = cpu_interface(gic, vcpu, i);

		if (gic->reset_state.has_cpu[i])
			err = kvm_device_set(gic->fd, place.group, place.attr,
					     &gic->reset_state.cpu[i]);
	}
	return err;
}

int gic_reset(struct vm *vm, struct gic *gic)
{
	struct vcpu *vcpu;
	unsigned i;
	int err = 0;

	if (gic->its_fd)
		err = kvm_device_set(gic->its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
				     KVM_DEV_ARM_ITS_CTRL_RESET, NULL);
	err = err ?: gic_put(gic, distributor, GICD_CTLR, 0);
	if (!err)
		err = reset_frame(gic, distributor, gic->reset_state.spi, BOARD_SPI_BASE,
				  BOARD_SPI_BASE + BOARD_NR_GSIS);
	err = err ?: reset_targets(gic);
	vcpu_for_each (vcpu, vm, i) {
		err = err ?: reset_vcpu(gic, vcpu);
	}
	if (err)
		log_fatal("KVM does not take the interrupt controller's state: %s", strerror(-err));
	return err;
}
