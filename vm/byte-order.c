// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/arch.h"
#include "lkvm/vm/byte-order.h"
#include "lkvm/vm/vcpu.h"

bool vcpu_big_endian(void)
{
	struct vcpu *vcpu = vcpu_current();

	return vcpu && arch_vcpu_big_endian(vcpu);
}
