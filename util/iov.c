/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies in and out of scattered buffers. */
#include <string.h>
#include "lkvm/util/iov.h"

static size_t iov_copy(const struct iovec *iov, unsigned nr, size_t offset, u8 *buffer, size_t len,
		       bool to_iov)
{
	size_t done = 0;

	for (unsigned i = 0; i < nr && done < len; i++) {
		size_t n;
		u8 *at;

		if (offset >= iov[i].iov_len) {
			offset -= iov[i].iov_len;
			continue;
		}
		n = MIN(iov[i].iov_len - offset, len - done);
		at = (u8 *)iov[i].iov_base + offset;
		if (to_iov)
			memcpy(at, buffer + done, n);
		else
			memcpy(buffer + done, at, n);
		done += n;
		offset = 0;
	}
	return done;
}

size_t iov_read(const struct iovec *iov, unsigned nr, size_t offset, void *dst, size_t len)
{
	return iov_copy(iov, nr, offset, dst, len, false);
}

size_t iov_write(const struct iovec *iov, unsigned nr, size_t offset, const void *src, size_t len)
{
	return iov_copy(iov, nr, offset, (u8 *)src, len, true);
}

struct iovec *iov_skip(struct iovec *iov, unsigned *nr, size_t len)
{
	while (*nr && len >= iov->iov_len) {
		len -= iov->iov_len;
		iov++;
		(*nr)--;
	}
	if (*nr) {
		iov->iov_base = (u8 *)iov->iov_base + len;
		iov->iov_len -= len;
	}
	return iov;
}

void iov_window_open(struct iov_window *window, struct iovec *iov, unsigned nr, size_t skip,
		     size_t len)
{
	*window = (struct iov_window){ .iov = iov };
	while (nr && skip >= iov->iov_len) {
		skip -= iov->iov_len;
		iov++;
		nr--;
	}
	if (!nr)
		return;
	window->iov = iov;
	window->first = *iov;
	iov->iov_base = (u8 *)iov->iov_base + skip;
	iov->iov_len -= skip;
	while (window->nr < nr && len > iov[window->nr].iov_len)
		len -= iov[window->nr++].iov_len;
	if (window->nr < nr)
		iov[window->nr++].iov_len = len;
}

void iov_window_close(struct iov_window *window)
{
	if (window->nr)
		*window->iov = window->first;
}
