/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an arm64 vCPU keeps. */
#ifndef ARM64_ARCH_VCPU_H
#define ARM64_ARCH_VCPU_H

#include "lkvm/types.h"

struct arch_vcpu {
	u64 mpidr; /* affinity fields only; constant */
};

#endif
