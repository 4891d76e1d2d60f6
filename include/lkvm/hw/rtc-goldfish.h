/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real-time clock of RISC-V boards. Logs and returns -errno on failure. */
#ifndef LKVM_HW_RTC_GOLDFISH_H
#define LKVM_HW_RTC_GOLDFISH_H

#include "lkvm/util/types.h"

struct vm;

/* The Goldfish RTC, which riscv64 kernels know, at `base`; level interrupt. Shows the host's time as UTC. */
int rtc_goldfish_create(struct vm *vm, gpa_t base, int gsi);

#endif
