// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "arch-vm.h"
#include "board.h"
#include "lkvm/host/kvm-device.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vcpu.h"

/* KVM's hypercalls for it are of 64 bits: a 32-bit guest has no use for records. */
static bool pvtime_wanted(const struct vm *vm)
{
	const struct arch_config *arch = &vm->config->arch;

	return !arch->no_pvtime && !arch->aarch32 && !vm->private_memory &&
	       ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_STEAL_TIME) > 0;
}

int pvtime_lay_out(struct vm *vm)
{
	u64 size = ALIGN_UP((u64)vm->config->cpus * BOARD_PVTIME_SIZE, sysconf(_SC_PAGESIZE));
	int err;

	if (!pvtime_wanted(vm))
		return 0;
	err = guest_memory_add_unlisted(&vm->memory, BOARD_PVTIME, size);
	if (err)
		log_fatal("No memory for the guest's steal time: %s; --no-pvtime does without",
			  strerror(-err));
	else
		vm->arch->pvtime = true;
	return err;
}

int pvtime_init(struct vcpu *vcpu)
{
	u64 record = BOARD_PVTIME + (u64)vcpu->id * BOARD_PVTIME_SIZE;
	int err;

	if (!vcpu->vm->arch->pvtime)
		return 0;
	err = kvm_device_set(vcpu->fd, KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA, &record);
	if (err)
		log_fatal("vCPU %u: KVM does not take the place of its steal time: %s; "
			  "--no-pvtime does without",
			  vcpu->id, strerror(-err));
	return err;
}
