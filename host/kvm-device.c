// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "lkvm/host/kvm-device.h"
#include "lkvm/host/kvm.h"

bool kvm_has_device(int vm_fd, u32 type)
{
	struct kvm_create_device device = { .type = type, .flags = KVM_CREATE_DEVICE_TEST };

	return !ioctl(vm_fd, KVM_CREATE_DEVICE, &device);
}

int kvm_device_create(int vm_fd, u32 type)
{
	struct kvm_create_device device = { .type = type };

	return ioctl(vm_fd, KVM_CREATE_DEVICE, &device) ? -errno : (int)device.fd;
}

static int kvm_device_request(int fd, unsigned long what, u32 group, u64 attr, const void *value)
{
	struct kvm_device_attr device = {
		.group = group,
		.attr = attr,
		.addr = (u64)(uintptr_t)value,
	};

	return ioctl(fd, what, &device) ? -errno : 0;
}

bool kvm_device_has(int fd, u32 group, u64 attr)
{
	return !kvm_device_request(fd, KVM_HAS_DEVICE_ATTR, group, attr, NULL);
}

int kvm_device_set(int fd, u32 group, u64 attr, const void *value)
{
	return kvm_device_request(fd, KVM_SET_DEVICE_ATTR, group, attr, value);
}

int kvm_device_get(int fd, u32 group, u64 attr, void *value)
{
	return kvm_device_request(fd, KVM_GET_DEVICE_ATTR, group, attr, value);
}
