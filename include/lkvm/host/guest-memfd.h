/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest_memfd: a file of KVM's with a guest's pages. Linux 6.8 has it for private memory, 6.18 also as the
 * only backing of an ordinary guest, mapped here (GUEST_MEMFD_FLAG_MMAP).
 */
#ifndef LKVM_HOST_GUEST_MEMFD_H
#define LKVM_HOST_GUEST_MEMFD_H

#include "lkvm/util/types.h"

/*
 * KVM_CREATE_GUEST_MEMFD: size in bytes, whole pages; flags are GUEST_MEMFD_FLAG_... as
 * KVM_CAP_GUEST_MEMFD_FLAGS offers them. The caller's descriptor (close-on-exec), or -errno; logs nothing.
 * Any thread.
 */
int guest_memfd_create(int vm_fd, u64 size, u64 flags);

/*
 * Which flags beside `base` make a guest_memfd that write(2) populates, of the `offered` ones
 * (KVM_CAP_GUEST_MEMFD_FLAGS). No released kernel has that, and the flag's number is not settled: each bit
 * that is known to have been used for it is tried with a file of one page that is written, which alone is
 * proof. 0 with *flags set, or -EOPNOTSUPP. Any thread.
 */
int guest_memfd_find_write(int vm_fd, u64 base, u64 offered, u64 *flags);

#endif
