// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <sys/ioctl.h>

#include "lkvm/guest_memfd.h"
#include "uapi/kvm.h"

int guest_memfd_create(int vm_fd, u64 size, u64 flags)
{
	struct kvm_create_guest_memfd args = { .size = size, .flags = flags };
	int fd = ioctl(vm_fd, KVM_CREATE_GUEST_MEMFD, &args);

	return fd < 0 ? -errno : fd;
}
