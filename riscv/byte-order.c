// SPDX-License-Identifier: GPL-2.0-or-later
#include "lkvm/arch.h"

bool arch_vcpu_big_endian(struct vcpu *vcpu)
{
	return false;
}
