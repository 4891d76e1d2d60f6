// SPDX-License-Identifier: GPL-2.0-or-later
/* RAM that is a guest_memfd: the only backing of an ordinary guest. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lkvm/host/guest-memfd.h"
#include "lkvm/memory/backends.h"
#include "lkvm/util/log.h"
#include "uapi/kvm.h"

#define ORDINARY (GUEST_MEMFD_FLAG_MMAP | GUEST_MEMFD_FLAG_INIT_SHARED)

int memory_open_guest_memfd(struct guest_memory *memory, u64 size)
{
	int offered = ioctl(memory->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD_FLAGS);
	u64 flags = ORDINARY;

	if (ioctl(memory->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_GUEST_MEMFD) <= 0 || offered < 0)
		return memory_refuse(memory, -EOPNOTSUPP,
				     "this host's KVM has none for such a guest; Linux 6.18 and "
				     "later have, on x86-64 and arm64");
	if ((offered & ORDINARY) != ORDINARY)
		return memory_refuse(memory, -EOPNOTSUPP,
				     "this host's KVM has it for private memory alone; Linux 6.18 "
				     "and later can map it, which this guest needs");
	memory->written = !guest_memfd_find_write(memory->vm_fd, ORDINARY, offered, &flags);
	if (!memory->written)
		log_debug("guest_memfd takes no write(2) here (flags offered: 0x%x)", offered);
	memory->fd = guest_memfd_create(memory->vm_fd, size, flags);
	if (memory->fd >= 0)
		return 0;
	return memory_refuse(memory, memory->fd, "KVM makes none of %llu MiB: %s",
			     (unsigned long long)size >> 20, strerror(-memory->fd));
}
