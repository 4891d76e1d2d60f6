/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a C library of 2022 other than glibc declares nothing of: system calls of Linux, as glibc has them. */
#ifndef UAPI_LIBC_H
#define UAPI_LIBC_H

#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef __GLIBC__
#ifndef STATX_BTIME
#include <linux/stat.h>

static inline int statx(int folder, const char *path, int flags, unsigned mask, struct statx *stx)
{
	return syscall(SYS_statx, folder, path, flags, mask, stx);
}
#endif

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE	 2
#define RENAME_WHITEOUT	 4

static inline int renameat2(int from, const char *name, int to, const char *new_name,
			    unsigned flags)
{
	return syscall(SYS_renameat2, from, name, to, new_name, flags);
}
#endif

#ifndef RWF_DSYNC
#define RWF_DSYNC  2
#define RWF_SYNC   4
#define RWF_APPEND 16

/* The kernel takes an offset in two halves, of which the second counts on hosts of 32 bits. */
static inline ssize_t preadv2(int fd, const struct iovec *iov, int nr, off_t offset, int flags)
{
	return syscall(SYS_preadv2, fd, iov, nr, offset, 0, flags);
}

static inline ssize_t pwritev2(int fd, const struct iovec *iov, int nr, off_t offset, int flags)
{
	return syscall(SYS_pwritev2, fd, iov, nr, offset, 0, flags);
}
#endif
#endif

#endif
