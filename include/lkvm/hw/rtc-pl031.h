/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real-time clock of Arm boards. Logs and returns -errno on failure. */
#ifndef LKVM_HW_RTC_PL031_H
#define LKVM_HW_RTC_PL031_H

#include "lkvm/util/types.h"

struct vm;

/* PL031 RTC (ARM DDI 0224) in the 4 KiB at `base`; level interrupt. Shows the host's time as UTC. */
int rtc_pl031_create(struct vm *vm, gpa_t base, int gsi);

#endif
