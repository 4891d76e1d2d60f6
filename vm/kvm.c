// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lkvm/kvm.h"
#include "lkvm/log.h"

#define KVM_DEVICE "/dev/kvm"

/* fgetgrent instead of getgrgid: no name service, so the static program can do it too. */
static void name_of_group(gid_t gid, char *name, size_t size)
{
	FILE *file = fopen("/etc/group", "re");
	struct group *group;

	snprintf(name, size, "%u", (unsigned)gid);
	if (!file)
		return;
	while ((group = fgetgrent(file))) {
		if (group->gr_gid == gid) {
			snprintf(name, size, "%s", group->gr_name);
			break;
		}
	}
	fclose(file);
}

static void explain_open(int error)
{
	struct stat st;
	char group[64];

	if (error == EACCES && !stat(KVM_DEVICE, &st)) {
		name_of_group(st.st_gid, group, sizeof(group));
		log_fatal("No permission to open " KVM_DEVICE ": become a member of its group '%s' "
			  "(usermod -aG %s USER, then log in again)",
			  group, group);
		return;
	}
	if (error == ENOENT || error == ENXIO || error == ENODEV) {
		log_fatal("No " KVM_DEVICE
			  " (%s): load the kvm module, and see that virtualization is on "
			  "in the firmware setup",
			  strerror(error));
		return;
	}
	log_fatal("Unable to open " KVM_DEVICE ": %s", strerror(error));
}

int kvm_open(void)
{
	int fd = open(KVM_DEVICE, O_RDWR | O_CLOEXEC), version;

	if (fd < 0) {
		int error = errno;

		explain_open(error);
		return -error;
	}
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
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
	int fd, error;

	do {
		fd = ioctl(kvm_fd, KVM_CREATE_VM, type);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0) {
		error = -errno;
		log_fatal("Unable to create a virtual machine: %s%s", strerror(errno),
			  errno == EBUSY ? " (another hypervisor is using the processor)" : "");
		return error;
	}
	return fd;
}
