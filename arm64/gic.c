// SPDX-License-Identifier: GPL-2.0-or-later
/* Making, sizing and resetting KVM's interrupt controller (Documentation/virt/kvm/devices/arm-vgic*). */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "arch-vm.h"
#include "board.h"
#include "lkvm/devicetree/ram-board.h"
#include "lkvm/host/kvm-device.h"
#include "lkvm/host/kvm.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/irq.h"

#define REDIST_SIZE KIB(128) /* each vCPU */
#define ITS_SIZE    KIB(128)
#define V2_CPU_SIZE KIB(8)
#define V2_MAX_CPUS 8
#define V2_PLACE    KIB(64)

#define LINE_SPI (KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT)

static const char *const kind_names[] = {
	[IRQCHIP_GICV2] = "gicv2",
	[IRQCHIP_GICV2M] = "gicv2m",
	[IRQCHIP_GICV3] = "gicv3",
	[IRQCHIP_GICV3_ITS] = "gicv3-its",
};

static int make_device(struct vm *vm, u32 type, int *fd)
{
	int made = kvm_device_create(vm->fd, type);

	if (made < 0)
		return made;
	*fd = made;
	return 0;
}

static bool wants_v3(enum arm64_irqchip kind)
{
	return kind == IRQCHIP_GICV3 || kind == IRQCHIP_GICV3_ITS;
}

/* The best there is, if the choice is ours: MSIs through the ITS, then through the frame. */
static int choose(struct vm *vm, enum arm64_irqchip *kind)
{
	bool v3 = kvm_has_device(vm->fd, KVM_DEV_TYPE_ARM_VGIC_V3);
	bool its = v3 && kvm_has_device(vm->fd, KVM_DEV_TYPE_ARM_VGIC_ITS);
	bool v2 = kvm_has_device(vm->fd, KVM_DEV_TYPE_ARM_VGIC_V2);

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
	int err = kvm_device_set(gic->fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST,
				 &dist);

	if (!err)
		err = kvm_device_set(gic->fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
				     KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist);
	gic->cpu = redist;
	gic->cpu_size = vm->config->cpus * REDIST_SIZE;
	return err;
}

static int place_v2(struct vm *vm, struct gic *gic)
{
	u64 dist = BOARD_GIC_DIST, cpu = BOARD_GIC_DIST - V2_PLACE;
	int err = kvm_device_set(gic->fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_DIST,
				 &dist);

	if (!err)
		err = kvm_device_set(gic->fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V2_ADDR_TYPE_CPU,
				     &cpu);
	gic->cpu = cpu;
	gic->cpu_size = V2_CPU_SIZE;
	return err;
}

static int create_its(struct vm *vm, struct gic *gic)
{
	u64 address = gic->cpu - ITS_SIZE;
	int err = make_device(vm, KVM_DEV_TYPE_ARM_VGIC_ITS, &gic->its_fd);

	if (!err)
		err = kvm_device_set(gic->its_fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE,
				     &address);
	gic->msi = address;
	gic->msi_size = ITS_SIZE;
	return err;
}

int gic_create(struct vm *vm, struct gic *gic)
{
	int err;

	gic->kind = vm->config->arch.irqchip;
	err = choose(vm, &gic->kind);
	if (err)
		return err;
	if (!gic_is_v3(gic) && vm->config->cpus > V2_MAX_CPUS) {
		log_fatal("--cpus %u: a guest with %s has at most %u", vm->config->cpus,
			  kind_names[gic->kind], V2_MAX_CPUS);
		return -EINVAL;
	}
	err = make_device(vm, gic_is_v3(gic) ? KVM_DEV_TYPE_ARM_VGIC_V3 : KVM_DEV_TYPE_ARM_VGIC_V2,
			  &gic->fd);
	err = err ?: (gic_is_v3(gic) ? place_v3(vm, gic) : place_v2(vm, gic));
	if (!err && gic->kind == IRQCHIP_GICV3_ITS)
		err = create_its(vm, gic);
	if (!err && gic->kind == IRQCHIP_GICV2M) {
		gic->msi = gic->cpu - V2_PLACE;
		gic->msi_size = GIC_V2M_SIZE;
	}
	if (err)
		log_fatal("KVM does not make an interrupt controller (%s): %s",
			  kind_names[gic->kind], strerror(-err));
	return err;
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
	int err;

	if (!vm->config->arch.nested)
		return 0;
	err = kvm_device_set(gic->fd, KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ, 0, &intid);
	if (err)
		log_fatal("--nested: KVM does not take the maintenance interrupt: %s",
			  strerror(-err));
	return err;
}

static int init_devices(struct gic *gic)
{
	u32 nr = BOARD_SPI_BASE + BOARD_NR_GSIS;
	int err = kvm_device_set(gic->fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr);

	if (!err)
		err = kvm_device_set(gic->fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
				     NULL);
	if (!err && gic->its_fd)
		err = kvm_device_set(gic->its_fd, KVM_DEV_ARM_VGIC_GRP_CTRL,
				     KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	if (err)
		log_fatal("KVM does not set up the interrupt controller: %s", strerror(-err));
	return err;
}

int gic_init(struct vm *vm, struct gic *gic)
{
	int err = set_maintenance_irq(vm, gic);

	err = err ?: init_devices(gic);
	err = err ?: ram_board_init_irqs(vm, 0, LINE_SPI | BOARD_SPI_BASE);
	if (!err && gic->kind == IRQCHIP_GICV2M)
		irq_msi_are_lines(vm, gic->msi + GIC_V2M_SETSPI, BOARD_SPI_BASE);
	return err;
}

int gic_check_nested(struct vm *vm, const struct gic *gic)
{
	if (!gic_is_v3(gic)) {
		log_fatal("--nested: a guest at EL2 needs a GICv3, this host's KVM makes only %s",
			  kind_names[gic->kind]);
		return -ENODEV;
	}
	if (kvm_device_has(gic->fd, KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ, 0))
		return 0;
	log_fatal("--nested: this host's KVM has no interrupt controller for it (no maintenance "
		  "interrupt); Linux 6.16 or later has");
	return -ENOTSUP;
}
