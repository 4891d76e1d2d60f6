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
	int fd = open(KVM_DEVICE, O_RDWR | O_CLOEXEC), version;

	if (fd < 0) {
		int err = errno;

		explain_open(err);
		return -err;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version < 0) {
		int err = errno;

		log_fatal(KVM_DEVICE " is not KVM's device: %s", strerror(err));
		close(fd);
		return -err;
	}
	if (version != KVM_API_VERSION) {
		log_fatal(KVM_DEVICE " speaks API version %d, lkvm speaks %d", version,
			  KVM_API_VERSION);
		close(fd);
		return -EPROTO;
	}
	return fd;
}

int kvm_create_vm(int kvm_fd, unsigned long type)
{
	int fd, err;

	do {
		fd = ioctl(kvm_fd, KVM_CREATE_VM, type);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0) {
		err = -errno;
		log_fatal("Unable to create a virtual machine: %s%s", strerror(errno),
			  errno == EBUSY ? " (another hypervisor is using the processor)" : "");
		return err;
	}
	return fd;
}
