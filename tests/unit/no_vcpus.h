/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of vm/vcpu.c, for devices that ask after the vCPU that is at them: there is none. */
#ifndef TEST_NO_VCPUS_H
#define TEST_NO_VCPUS_H

#include "lkvm/vm/vcpu.h"

struct vcpu *vcpu_current(void)
{
	return NULL;
}

bool vcpus_parking(struct vm *of)
{
	return false;
}

#endif
