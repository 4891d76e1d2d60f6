// SPDX-License-Identifier: GPL-2.0-or-later
/* What guest and server agree on when the file system is mounted, and its end. */
#include <errno.h>
#include <string.h>
#include "fuse-private.h"

/* Requests that the guest may have under way without anybody waiting for one: read-ahead, write-back, releases. */
#define MAX_BACKGROUND 1024
#define CONGESTION     (MAX_BACKGROUND / 4 * 3)

/* Whatever the cache. */
#define FLAGS                                                                                      \
	(FUSE_ASYNC_READ | FUSE_POSIX_LOCKS | FUSE_ATOMIC_O_TRUNC | FUSE_EXPORT_SUPPORT |          \
	 FUSE_BIG_WRITES | FUSE_DONT_MASK | FUSE_FLOCK_LOCKS | FUSE_DO_READDIRPLUS |               \
	 FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS | FUSE_POSIX_ACL |          \
	 FUSE_MAX_PAGES | FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT | FUSE_INIT_EXT |            \
	 FUSE_SECURITY_CTX | FUSE_INIT_CREATE_SUPP_GROUP | FUSE_INIT_ALLOW_IDMAP)

static u64 init_flags(const struct fuse *fuse)
{
	u64 flags = FLAGS;

	switch (fuse->config.cache) {
	case FUSE_CACHE_NONE:
		flags |= FUSE_AUTO_INVAL_DATA | FUSE_INIT_DIRECT_IO_ALLOW_MMAP;
		break;
	case FUSE_CACHE_AUTO:
		flags |= FUSE_AUTO_INVAL_DATA | FUSE_CACHE_SYMLINKS;
		break;
	case FUSE_CACHE_WRITEBACK:
		flags |= FUSE_WRITEBACK_CACHE;
		/* fallthrough */
	case FUSE_CACHE_ALWAYS:
		flags |= FUSE_CACHE_SYMLINKS;
		break;
	}
	if (fuse->config.submounts)
		flags |= FUSE_SUBMOUNTS;
	return flags;
}

/* A file system mounted again: nobody uses what was there before. */
static void init_forget(struct fuse *fuse)
{
	fuse_end_waits(fuse);
	fuse_drop_handles(fuse);
	export_forget_all(fuse->export);
}

int fuse_do_init(struct fuse_call *call)
{
	struct fuse *fuse = call->fuse;
	struct fuse_init_in in = { 0 };
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_SERVER_MINOR,
		.max_background = MAX_BACKGROUND,
		.congestion_threshold = CONGESTION,
		.max_write = FUSE_MAX_WRITE,
		.time_gran = 1,
		.max_pages = FUSE_SERVER_MAX_PAGES,
	};

	memcpy(&in, call->args, MIN(call->copied, (u32)sizeof(in)));
	/* The guest asks again with our version. */
	if (in.major > FUSE_KERNEL_VERSION)
		return fuse_put(call, 0, &out, sizeof(out));
	if (in.major < FUSE_KERNEL_VERSION || in.minor < FUSE_SERVER_MIN_MINOR)
		return -EPROTO;

	u64 flags = in.flags;
	if (flags & FUSE_INIT_EXT)
		flags |= (u64)in.flags2 << 32;
	flags &= init_flags(fuse);
	init_forget(fuse);
	/* Never 0: a guest that wants nothing was here. */
	__atomic_store_n(&fuse->flags, flags | 1ull << 63, __ATOMIC_RELEASE);
	out.minor = MIN(in.minor, (u32)FUSE_SERVER_MINOR);
	out.max_readahead = in.max_readahead;
	out.flags = flags;
	out.flags2 = flags >> 32;
	return fuse_put(call, 0, &out, sizeof(out));
}

int fuse_do_destroy(struct fuse_call *call)
{
	__atomic_store_n(&call->fuse->flags, 0, __ATOMIC_RELAXED);
	init_forget(call->fuse);
	return 0;
}
