// SPDX-License-Identifier: GPL-2.0-or-later
/* Making, sizing and resetting KVM's interrupt controller (Documentation/virt/kvm/devices/arm-vgic*). */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "arm64-vm.h"
#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/irq.h"
#include "lkvm/log.h"

#define REDIST_SIZE KIB(128) /* each vCPU */
#define ITS_SIZE    KIB(128)
#define V2_CPU_SIZE KIB(8)
#define V2_MAX_CPUS 8
#define V2_PLACE    KIB(64)

/* Registers (GIC architecture specification, 12.8 to 12.11); banks are of 32 bits for 32 interrupts. */
#define GICD_CTLR	0x0000
#define GICD_IGROUPR	0x0080
#define GICD_ICENABLER	0x0180
#define GICD_ISPENDR	0x0200
#define GICD_ICPENDR	0x0280
#define GICD_ICACTIVER	0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ICFGR	0x0c00
#define GICR_CTLR	0x00000
#define GICR_SGI	0x10000 /* the second page, laid out as the distributor's beginning */

#define LINE_SPI (KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT)

static const char *const kind_names[] = {
	[IRQCHIP_GICV2] = "gicv2",
	[IRQCHIP_GICV2M] = "gicv2m",
	[IRQCHIP_GICV3] = "gicv3",
	[IRQCHIP_GICV3_ITS] = "gicv3-its",
};

static bool has_device(struct vm *vm, u32 type)
{
	struct kvm_create_device device = { .type = type, .flags = KVM_CREATE_DEVICE_TEST };

	return !ioctl(vm->fd, KVM_CREATE_DEVICE, &device);
}

static int make_device(struct vm *vm, u32 type, int *fd)
{
	struct kvm_create_device device = { .type = type };

	if (ioctl(vm->fd, KVM_CREATE_DEVICE, &device))
		return -errno;
	*fd = device.fd;
	return 0;
}

static int set_attr(int fd, u32 group, u64 attr, const void *value)
{
	struct kvm_device_attr request = {
		.group = group,
		.attr = attr,
		.addr = (u64)(uintptr_t)value,
	};

	return ioctl(fd, KVM_SET_DEVICE_ATTR, &request) ? -errno : 0;
}

static bool has_attr(int fd, u32 group, u64 attr)
{
	struct kvm_device_attr request = { .group = group, .attr = attr };

	return !ioctl(fd, KVM_HAS_DEVICE_ATTR, &request);
}

static bool wants_v3(enum arm64_irqchip kind)
{
	return kind == IRQCHIP_GICV3 || kind == IRQCHIP_GICV3_ITS;
}

/* The best there is, if the choice is ours: MSIs through the ITS, then through the frame. */
static int choose(struct vm *vm, enum arm64_irqchip *kind)
{
	bool v3 = has_device(vm, KVM_DEV_TYPE_ARM_VGIC_V3);
	bool its = v3 && has_device(vm, KVM_DEV_TYPE_ARM_VGIC_ITS);
	bool v2 = has_device(vm, KVM_DEV_TYPE_ARM_VGIC_V2);

	if (*kind == IRQCHIP_AUTO)
		*kind = its ? IRQCHIP_GICV3_ITS : v3 ? IRQCHIP_GICV3 : IRQCHIP_GICV2M;
	if (wants_v3(*kind) ? v3 && (its || *kind == IRQCHIP_GICV3) : v2)
		return 0;
	log_fatal("--irqchip %s: this host's KVM does not offer it; it has%s%s%s%s",
		  kind_names[*kind], v3 ? " gicv3" : "", its ? " gicv3-its" : "",
		  v2 ? " gicv2 gicv2m" : "", v2 || v3 ? "" : " no interrupt controller at all");
	return -ENODEV;
}

static int place_v3(struct vm *vm, struct gic *gic)
{
	u64 dist = BOARD_GIC_DIST, redist = BOARD_GIC_DIST - vm->config->cpus * REDIST_SIZE;
	int error = set_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist);

	if (!error)
		error = set_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST,
				 &redist);
	gic->cpu = redist;
	gic->cpu_size = vm->config->cpus * REDIST_SIZE;
	return error;
}

static int place_v2(struct vm *vm, struct gic *gic)
{
	u64 dist = BOARD_GIC_DIST, cpu = BOARD_GIC_DIST - V2_PLACE;
	int error = set_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_DIST, &dist);

	if (!error)
		error = set_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_CPU,
				 &cpu);
	gic->cpu = cpu;
	gic->cpu_size = V2_CPU_SIZE;
	return error;
}

static int create_its(struct vm *vm, struct gic *gic)
{
	u64 address = gic->cpu - ITS_SIZE;
	int error = make_device(vm, KVM_DEV_TYPE_ARM_VGIC_ITS, &gic->its_fd);

	if (!error)
		error = set_attr(gic->its_fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE,
				 &address);
	gic->msi = address;
	gic->msi_size = ITS_SIZE;
	return error;
}

int gic_create(struct vm *vm, struct gic *gic)
{
	int error;

	gic->kind = vm->config->arch.irqchip;
	error = choose(vm, &gic->kind);
	if (error)
		return error;
	if (!gic_is_v3(gic) && vm->config->cpus > V2_MAX_CPUS) {
		log_fatal("--cpus %u: a guest with %s has at most %u", vm->config->cpus,
			  kind_names[gic->kind], V2_MAX_CPUS);
		return -EINVAL;
	}
	error = make_device(
		vm, gic_is_v3(gic) ? KVM_DEV_TYPE_ARM_VGIC_V3 : KVM_DEV_TYPE_ARM_VGIC_V2, &gic->fd);
	if (!error)
		error = gic_is_v3(gic) ? place_v3(vm, gic) : place_v2(vm, gic);
	if (!error && gic->kind == IRQCHIP_GICV3_ITS)
		error = create_its(vm, gic);
	if (!error && gic->kind == IRQCHIP_GICV2M) {
		gic->msi = gic->cpu - V2_PLACE;
		gic->msi_size = GIC_V2M_SIZE;
	}
	if (error)
		log_fatal("KVM does not make an interrupt controller (%s): %s",
			  kind_names[gic->kind], strerror(-error));
	return error;
}

void gic_destroy(struct gic *gic)
{
	if (gic->its_fd)
		close(gic->its_fd);
	if (gic->fd)
		close(gic->fd);
	gic->fd = gic->its_fd = 0;
}

/*
 * The interrupt by which a guest's own hypervisor hears that its guest needs its interrupt controller
 * looked after. The address carries the INTID, whatever older documentation says.
 */
static int set_maintenance_irq(struct vm *vm, struct gic *gic)
{
	u32 intid = BOARD_PPI_MAINTENANCE;
	int error;

	if (!vm->config->arch.nested)
		return 0;
	error = set_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ, 0, &intid);
	if (error)
		log_fatal("--nested: KVM does not take the maintenance interrupt: %s",
			  strerror(-error));
	return error;
}

static int init_devices(struct gic *gic)
{
	u32 nr = BOARD_SPI_BASE + BOARD_NR_GSIS;
	int error = set_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr);

	if (!error)
		error = set_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
				 NULL);
	if (!error && gic->its_fd)
		error = set_attr(gic->its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
				 NULL);
	if (error)
		log_fatal("KVM does not set up the interrupt controller: %s", strerror(-error));
	return error;
}

static int create_routes(struct vm *vm)
{
	struct kvm_irq_routing_entry pins[BOARD_NR_GSIS];

	memset(pins, 0, sizeof(pins));
	for (unsigned gsi = 0; gsi < BOARD_NR_GSIS; gsi++) {
		pins[gsi].gsi = gsi;
		pins[gsi].type = KVM_IRQ_ROUTING_IRQCHIP;
		pins[gsi].u.irqchip.pin = gsi;
	}
	return irq_init(vm, pins, BOARD_NR_GSIS, BOARD_NR_GSIS, LINE_SPI | BOARD_SPI_BASE);
}

int gic_init(struct vm *vm, struct gic *gic)
{
	int error = set_maintenance_irq(vm, gic);

	if (!error)
		error = init_devices(gic);
	if (!error)
		error = create_routes(vm);
	if (!error && gic->kind == IRQCHIP_GICV2M)
		irq_msi_are_lines(vm, gic->msi + GIC_V2M_SETSPI, BOARD_SPI_BASE);
	return error;
}

/* ---- reset ---- */

static int write_register(struct gic *gic, u32 group, u64 cpu, u64 offset, u32 value)
{
	return set_attr(gic->fd, group, cpu << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT | offset, &value);
}

/*
 * Of one frame: every interrupt off, at rest, of group and priority 0, level-triggered. KVM's GICv3 takes
 * what is pending as a whole through ISPENDR and ignores ICPENDR; its GICv2 has them as the guest does.
 */
static int reset_frame(struct gic *gic, u32 group, u64 cpu, u64 base, unsigned first, unsigned end)
{
	const struct bank {
		u16 offset;
		u8 bits; /* each interrupt */
		u32 value;
	} banks[] = {
		{ GICD_ICENABLER, 1, ~0U },
		{ gic_is_v3(gic) ? GICD_ISPENDR : GICD_ICPENDR, 1, gic_is_v3(gic) ? 0 : ~0U },
		{ GICD_ICACTIVER, 1, ~0U },
		{ GICD_IGROUPR, 1, 0 },
		{ GICD_IPRIORITYR, 8, 0 },
		{ GICD_ICFGR, 2, 0 },
	};
	int error = 0;

	for (unsigned b = 0; b < ARRAY_SIZE(banks); b++)
		for (unsigned i = first; i < end && !error; i += 32 / banks[b].bits)
			error = write_register(gic, group, cpu,
					       base + banks[b].offset + i * banks[b].bits / 8,
					       banks[b].value);
	return error;
}

static int reset_redistributor(struct gic *gic, u64 mpidr)
{
	/* MPIDR's four affinity fields, packed. */
	u64 affinity = (mpidr & 0xffffff) | (mpidr >> 32 & 0xff) << 24;
	int error = write_register(gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, affinity, GICR_CTLR, 0);

	return error
		       ?: reset_frame(gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, affinity, GICR_SGI, 0,
				      BOARD_SPI_BASE);
}

int gic_reset(struct vm *vm, struct gic *gic)
{
	struct vcpu *vcpu;
	unsigned i;
	int error = 0;

	if (gic->its_fd)
		error = set_attr(gic->its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_ITS_CTRL_RESET,
				 NULL);
	if (!error)
		error = write_register(gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, GICD_CTLR, 0);
	if (!error)
		error = reset_frame(gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, 0, BOARD_SPI_BASE,
				    BOARD_SPI_BASE + BOARD_NR_GSIS);
	vcpu_for_each (vcpu, vm, i) {
		if (error)
			break;
		error = gic_is_v3(gic) ? reset_redistributor(gic, vcpu->arch.mpidr)
				       : reset_frame(gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, i, 0, 0,
						     BOARD_SPI_BASE);
	}
	if (error)
		log_fatal("KVM does not take the interrupt controller's state: %s",
			  strerror(-error));
	return error;
}

int gic_check_nested(struct vm *vm, const struct gic *gic)
{
	if (!gic_is_v3(gic)) {
		log_fatal("--nested: a guest at EL2 needs a GICv3, this host's KVM makes only %s",
			  kind_names[gic->kind]);
		return -ENODEV;
	}
	if (has_attr(gic->fd, KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ, 0))
		return 0;
	log_fatal("--nested: this host's KVM has no interrupt controller for it (no maintenance "
		  "interrupt); Linux 6.16 or later has");
	return -ENOTSUP;
}
