/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest_memfd: a file of KVM's with a guest's pages. Linux 6.8 has it for private memory, 6.18 also as the
 * only backing of an ordinary guest, mapped here (GUEST_MEMFD_FLAG_MMAP).
 */
#ifndef LKVM_GUEST_MEMFD_H
#define LKVM_GUEST_MEMFD_H

#include "lkvm/types.h"

/*
 * KVM_CREATE_GUEST_MEMFD: size in bytes, whole pages; flags are GUEST_MEMFD_FLAG_... as
 * KVM_CAP_GUEST_MEMFD_FLAGS offers them. The caller's descriptor (close-on-exec), or -errno; nothing said.
 * Any thread.
 */
int guest_memfd_create(int vm_fd, u64 size, u64 flags);

#endif
