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

/*
 * A part of them, made by cutting the first and the last in place: the buffers iov[0] to iov[nr - 1] from byte `skip` on, `len`
 * bytes in all, or fewer where they end. iov_window_close() mends the first one, for a header before the part.
 */
struct iov_window {
	struct iovec *iov, first;
	unsigned nr;
};

void iov_window_open(struct iov_window *window, struct iovec *iov, unsigned nr, size_t skip,
		     size_t len);
void iov_window_close(struct iov_window *window);

#endif
