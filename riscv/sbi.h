/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of the supervisor binary interface that KVM hands on (KVM_EXIT_RISCV_SBI). */
#ifndef RISCV_SBI_H
#define RISCV_SBI_H

#include "lkvm/arch.h"

#define SBI_ERR_NOT_SUPPORTED (-2L)

/* vCPU thread. */
enum exit_action sbi_call(struct vcpu *vcpu);

#endif
