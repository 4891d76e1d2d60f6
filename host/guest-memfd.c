// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lkvm/host/guest-memfd.h"
#include "lkvm/util/log.h"
#include "uapi/kvm.h"

/*
 * What has been sent to the kernel's list for write(2), and what other kernels carry. Bit 2 is another
 * series' too (no direct map).
 */
static const struct {
	u64 flag;
	const char *origin;
} write_layouts[] = {
	{ BIT(2), "the series of November 2025" },
	{ BIT(3), "kernels that have it beside NO_DIRECT_MAP" },
	{ 0, "a kernel that needs no flag" },
};

int guest_memfd_create(int vm_fd, u64 size, u64 flags)
{
	struct kvm_create_guest_memfd args = { .size = size, .flags = flags };
	int fd = ioctl(vm_fd, KVM_CREATE_GUEST_MEMFD, &args);

	if (fd < 0)
		return -errno;
	/* Unlike KVM's other descriptors it comes without, and a child would keep the guest's memory. */
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static bool takes_write(int vm_fd, u64 flags)
{
	size_t page = sysconf(_SC_PAGESIZE);
	int fd = guest_memfd_create(vm_fd, page, flags);
	void *zeroes = calloc(1, page);
	ssize_t got;

	do {
		got = zeroes && fd >= 0 ? pwrite(fd, zeroes, page, 0) : 0;
	} while (got < 0 && errno == EINTR);
	if (fd >= 0)
		close(fd);
	free(zeroes);
	return got == (ssize_t)page;
}

int guest_memfd_find_write(int vm_fd, u64 base, u64 offered, u64 *flags)
{
	for (unsigned i = 0; i < ARRAY_SIZE(write_layouts); i++) {
		u64 flag = write_layouts[i].flag;

		if ((offered & flag) != flag || !takes_write(vm_fd, base | flag))
			continue;
		log_debug("guest_memfd takes write(2), with flags 0x%llx as in %s",
			  (unsigned long long)(base | flag), write_layouts[i].origin);
		*flags = base | flag;
		return 0;
	}
	return -EOPNOTSUPP;
}
