/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real-time clock of PCs. Logs and returns -errno on failure. */
#ifndef LKVM_HW_RTC_CMOS_H
#define LKVM_HW_RTC_CMOS_H

#include "lkvm/vm/device.h"
#include "lkvm/vm/irq.h"

struct vm;

/*
 * MC146818 RTC and its CMOS: an index and a data register, on PCs at ports 0x70/0x71; memory sizes for those
 * who look there. gsi -1: it never interrupts. `wake` is set along with the interrupt; NULL: no wire.
 */
int rtc_cmos_create(struct vm *vm, enum device_resource_kind kind, u64 base, int gsi,
		    const struct irq_line *wake);

#endif
