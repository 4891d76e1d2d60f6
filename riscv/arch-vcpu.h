/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a riscv64 vCPU keeps. Its hart id is its number. */
#ifndef RISCV_ARCH_VCPU_H
#define RISCV_ARCH_VCPU_H

#include "isa.h"
#include "sbi.h"

struct riscv_reset_state;

struct arch_vcpu {
	struct riscv_reset_state
		*reset_state; /* its registers as KVM made them; NULL: KVM resets it by itself */
	struct riscv_isa isa; /* constant */
	struct riscv_sleep sleep; /* see there */
};

/* See arch.h. */
struct vcpu;
void arch_vcpu_destroy(struct vcpu *vcpu);
#define arch_vcpu_destroy arch_vcpu_destroy

#endif
