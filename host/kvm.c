// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lkvm/arch.h"
#include "lkvm/host/device-node.h"
#include "lkvm/host/kvm.h"
#include "lkvm/util/log.h"

#define KVM_DEVICE "/dev/kvm"

static void explain_open(int err)
{
	struct node_seen seen;
	char text[600];

	node_look(&seen, KVM_DEVICE, err);
	node_explain(&seen, arch_kvm_absent,
		     "this is a virtual machine, so its host must have nested virtualization on",
		     text, sizeof(text));
	log_fatal("%s", text);
}

int kvm_open(void)
{
	int fd = open(KVM_DEVICE, O_RDWR | O_CLOEXEC), version, err;

	if (fd < 0) {
		err = -errno;
		explain_open(-err);
		return err;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version == KVM_API_VERSION)
		return fd;
	err = version < 0 ? -errno : -EPROTO;
	if (version < 0)
		log_fatal(KVM_DEVICE " is not KVM's device: %s", strerror(-err));
	else
		log_fatal(KVM_DEVICE " speaks API version %d, lkvm speaks %d", version,
			  KVM_API_VERSION);
	close(fd);
	return err;
}

int kvm_create_vm(int kvm_fd, unsigned long type)
{
	int fd, err;

	do {
		fd = ioctl(kvm_fd, KVM_CREATE_VM, type);
	} while (fd < 0 && errno == EINTR);
	if (fd >= 0)
		return fd;
	err = -errno;
	log_fatal("Unable to create a virtual machine: %s%s", strerror(-err),
		  err == -EBUSY ? " (another hypervisor is using the processor)" : "");
	return err;
}
