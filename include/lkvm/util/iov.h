/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scattered buffers, as the kernel's readv(2) and a virtqueue's chains have them. Any thread. */
#ifndef LKVM_UTIL_IOV_H
#define LKVM_UTIL_IOV_H

#include <sys/uio.h>
#include "lkvm/util/types.h"

/* Copies between `nr` buffers, from byte `offset` of them, and one: bytes copied, fewer at their end. */
size_t iov_read(const struct iovec *iov, unsigned nr, size_t offset, void *dst, size_t len);
size_t iov_write(const struct iovec *iov, unsigned nr, size_t offset, const void *src, size_t len);
/* Drops `len` bytes at the front in place: returns the first iov still in use, lowers *nr. */
struct iovec *iov_skip(struct iovec *iov, unsigned *nr, size_t len);

#endif
