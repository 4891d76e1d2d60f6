/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an arm64 vCPU keeps. */
#ifndef ARM64_ARCH_VCPU_H
#define ARM64_ARCH_VCPU_H

#include "lkvm/util/types.h"

/* A guest that suspended: where it goes on. */
struct arm64_sleep {
	bool deep; /* else no such thing is going on */
	u64 entry, context;
};

struct arch_vcpu {
	u64 mpidr;		  /* affinity fields only; constant */
	struct arm64_sleep sleep; /* the vCPU's thread, or main while it is parked */
};

/* See arch.h. */
struct vcpu;
bool arch_vcpu_big_endian(struct vcpu *vcpu);
#define arch_vcpu_big_endian arch_vcpu_big_endian

#endif
