/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scalable vectors' lengths. A CPU has all powers of two of 128 bits up to its longest and may have
 * others between; a guest's CPUs may be given fewer than the host's, from the long end. Main thread.
 */
#ifndef ARM64_SVE_H
#define ARM64_SVE_H

#include "lkvm/util/types.h"

struct vcpu;

#define SVE_VL_UNIT 128	 /* bits; every length is a multiple */
#define SVE_VL_MAX  2048 /* of the architecture */
#define SVE_WORDS   8	 /* of KVM's set: bit n stands for (n + 1) * SVE_VL_UNIT bits */

/*
 * Takes all lengths above `bits` out of the set. -EINVAL, with the set as it was, when that length is not
 * in it; `known` then gets a list of those that are.
 */
int sve_limit(u64 set[SVE_WORDS], unsigned bits, char *known, size_t size);

/*
 * After KVM_ARM_VCPU_INIT: lengths as --sve-max-vl says, and no more changes of them. Logs and
 * returns -errno on failure.
 */
int sve_finalize(struct vcpu *vcpu);

#endif
