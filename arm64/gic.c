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

/* The best there is, if the choice is ours: MSIs through the ITS, then through the frame. */
static int gic_choose(struct vm *vm, struct gic *gic)
{
	bool v3 = kvm_has_device(vm->fd, KVM_DEV_TYPE_ARM_VGIC_V3);
	bool its = v3 && kvm_has_device(vm->fd, KVM_DEV_TYPE_ARM_VGIC_ITS);
	bool v2 = kvm_has_device(vm->fd, KVM_DEV_TYPE_ARM_VGIC_V2);

	gic->kind = vm->config->arch.irqchip;
	if (gic->kind == IRQCHIP_AUTO)
		gic->kind = its ? IRQCHIP_GICV3_ITS : v3 ? IRQCHIP_GICV3 : IRQCHIP_GICV2M;
	if (gic_is_v3(gic) ? v3 && (its || gic->kind == IRQCHIP_GICV3) : v2)
		return 0;
	log_fatal("--irqchip %s: this host's KVM does not offer it; it has%s%s%s%s",
		  arm64_irqchip_names[gic->kind], v3 ? " gicv3" : "", its ? " gicv3-its" : "",
		  v2 ? " gicv2 gicv2m" : "", v2 || v3 ? "" : " no interrupt controller at all");
	return -ENODEV;
}

static int set_address(int fd, u64 type, u64 address)
{
	return kvm_device_set(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, type, &address);
}

/* The distributor, and below it the redistributors or GICv2's CPU interface. */
static int gic_place(struct vm *vm, struct gic *gic)
{
	bool v3 = gic_is_v3(gic);
	int err = set_address(gic->fd, v3 ? KVM_VGIC_V3_ADDR_TYPE_DIST : KVM_VGIC_V2_ADDR_TYPE_DIST,
			      BOARD_GIC_DIST);

	gic->cpu_size = v3 ? vm->config->cpus * REDIST_SIZE : V2_CPU_SIZE;
	gic->cpu = BOARD_GIC_DIST - (v3 ? gic->cpu_size : V2_PLACE);
	return err
		       ?: set_address(gic->fd,
				      v3 ? KVM_VGIC_V3_ADDR_TYPE_REDIST : KVM_VGIC_V2_ADDR_TYPE_CPU,
				      gic->cpu);
}

static int create_its(struct vm *vm, struct gic *gic)
{
	gic->msi_size = ITS_SIZE;
	gic->msi = gic->cpu - ITS_SIZE;
	gic->its_fd = kvm_device_create(vm->fd, KVM_DEV_TYPE_ARM_VGIC_ITS);
	return gic->its_fd < 0 ? gic->its_fd
			       : set_address(gic->its_fd, KVM_VGIC_ITS_ADDR_TYPE, gic->msi);
}

int gic_create(struct vm *vm, struct gic *gic)
{
	int err = gic_choose(vm, gic);

	if (err)
		return err;
	if (!gic_is_v3(gic) && vm->config->cpus > V2_MAX_CPUS) {
		log_fatal("--cpus %u: a guest with %s has at most %u", vm->config->cpus,
			  arm64_irqchip_names[gic->kind], V2_MAX_CPUS);
		return -EINVAL;
	}
	gic->fd = kvm_device_create(vm->fd, gic_is_v3(gic) ? KVM_DEV_TYPE_ARM_VGIC_V3
							   : KVM_DEV_TYPE_ARM_VGIC_V2);
	err = gic->fd < 0 ? gic->fd : gic_place(vm, gic);
	if (!err && gic->kind == IRQCHIP_GICV3_ITS)
		err = create_its(vm, gic);
	if (gic->kind == IRQCHIP_GICV2M) {
		gic->msi = gic->cpu - V2_PLACE;
		gic->msi_size = GIC_V2M_SIZE;
	}
	if (err)
		log_fatal("KVM does not make an interrupt controller (%s): %s",
			  arm64_irqchip_names[gic->kind], strerror(-err));
	return err;
}

void board_destroy_irqchip(struct vm *vm)
{
	struct gic *gic = &vm->arch->gic;

	if (gic->its_fd > 0)
		close(gic->its_fd);
	if (gic->fd > 0)
		close(gic->fd);
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
			  arm64_irqchip_names[gic->kind]);
		return -ENODEV;
	}
	if (kvm_device_has(gic->fd, KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ, 0))
		return 0;
	log_fatal("--nested: this host's KVM has no interrupt controller for it (no maintenance "
		  "interrupt); Linux 6.16 or later has");
	return -ENOTSUP;
}
