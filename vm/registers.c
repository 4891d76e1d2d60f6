// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lkvm/util/log.h"
#include "lkvm/vm/registers.h"
#include "lkvm/vm/vcpu.h"

int vcpu_get_register(struct vcpu *vcpu, u64 id, u64 *value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (u64)(uintptr_t)value };

	return ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg) ? -errno : 0;
}

int vcpu_failed(const struct vcpu *vcpu, const char *what, int err)
{
	log_fatal("vCPU %u: %s: %s", vcpu->id, what, strerror(-err));
	return err;
}

int vcpu_set_register(struct vcpu *vcpu, u64 id, u64 value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (u64)(uintptr_t)&value };

	return ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg) ? -errno : 0;
}
