// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Remembers how files were when the guest opened them, so that it may keep what it has cached of one that nobody changed
 * since. Direct-mapped: a file that another has taken the place of is read again, no more.
 */
#include <errno.h>
#include <time.h>
#include "fuse-private.h"

/*
 * A file that changes again within the same tick of the host's clock looks the same: what was just changed is not believed.
 * ns.
 */
#define TOO_YOUNG 100000000ull
#define SECOND	  1000000000ull

/* Wraps: times are only compared, and a guest may set a file's to any. */
static u64 stamp_ns(const struct statx_timestamp *time)
{
	return (u64)time->tv_sec * SECOND + time->tv_nsec;
}

static bool stamp_same(const struct fuse_stamp *a, const struct fuse_stamp *b)
{
	return a->node == b->node && a->size == b->size && a->mtime == b->mtime &&
	       a->ctime == b->ctime;
}

bool fuse_unchanged(struct fuse *fuse, struct export_file *file)
{
	struct export_node *node = export_file_node(file);
	struct export_attr attr;
	struct timespec now;

	if (export_getattr(node, file, STATX_BASIC_STATS, &attr))
		return false;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	struct fuse_stamp stamp = {
		.node = export_node_number(node),
		.size = attr.statx.stx_size,
		.mtime = stamp_ns(&attr.statx.stx_mtime),
		.ctime = stamp_ns(&attr.statx.stx_ctime),
	};
	u64 at = stamp.node * 0x9e3779b97f4a7c15ull >> 32;
	struct fuse_stamp *slot = &fuse->stamps[at % FUSE_STAMPS];
	u64 age = (u64)now.tv_sec * SECOND + now.tv_nsec - stamp.ctime;

	pthread_mutex_lock(&fuse->stamps_lock);
	bool same = stamp_same(slot, &stamp);
	/* Or from the future. */
	if (age < TOO_YOUNG || age > INT64_MAX)
		stamp.node = 0;
	*slot = stamp;
	pthread_mutex_unlock(&fuse->stamps_lock);
	return same;
}
