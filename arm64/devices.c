// SPDX-License-Identifier: GPL-2.0-or-later
/* The board's devices that are arm64's own. */
#include "arch-vm.h"
#include "board.h"
#include "lkvm/devicetree/ram-board.h"
#include "lkvm/hw/rtc-cmos.h"
#include "lkvm/hw/rtc-pl031.h"
#include "pmu.h"

int board_init_irqchip(struct vm *vm)
{
	struct gic *gic = &vm->arch->gic;
	int err = gic_init(vm, gic);

	if (!err && vm->config->reboot)
		err = gic_note_reset_state(vm, gic);
	err = err ?: pmu_init(vm);
	if (!err && gic->kind == IRQCHIP_GICV2M)
		err = gic_v2m_create(vm, gic->msi);
	return err;
}

int board_create_clocks(struct vm *vm)
{
	int err = rtc_pl031_create(vm, BOARD_RTC, BOARD_GSI_RTC);

	/* EDK2's build for this board reads the time here, and does without interrupts. */
	if (!err && vm->config->firmware)
		err = rtc_cmos_create(vm, RESOURCE_MMIO, BOARD_RTC_CMOS, -1, NULL);
	return err;
}
