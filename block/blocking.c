// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The operations for which the kernel has only blocking calls, and the slow way for reads and writes
 * that the fast one could not finish: cut short, or not aligned as O_DIRECT asks. The slow way
 * goes through the page cache, which is the bounce buffer that the kernel already has; with O_DIRECT
 * the engine lets nothing else run beside it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "disk-private.h"
#include "lkvm/util/iov.h"

/* Written from many times over instead of having a large buffer of zeroes. */
static const u8 zero_page[4096];
#define ZERO_IOVS 256

static void zero_iov(const struct iovec *iov, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		memset(iov[i].iov_base, 0, iov[i].iov_len);
}

bool disk_zero_tail(struct disk *disk, struct disk_request *request)
{
	if (disk->file_size == disk->info.size ||
	    request->offset + request->engine_progress < disk->file_size)
		return false;
	zero_iov(request->engine_iov, request->engine_left);
	return true;
}

/* Brings a range to the disk and out of the cache: with O_DIRECT nothing is to stay there. */
static int leave_cache(const struct disk *disk, u64 offset, u64 length)
{
	u64 start = ALIGN_DOWN(offset, 4096ULL), end = ALIGN_UP(offset + length, 4096ULL);

	if (sync_file_range(disk->fd, start, end - start,
			    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
				    SYNC_FILE_RANGE_WAIT_AFTER) &&
	    fdatasync(disk->fd))
		return -errno;
	posix_fadvise(disk->fd, start, end - start, POSIX_FADV_DONTNEED);
	return 0;
}

/* One call of the kernel's. What it did is in engine_progress; it may be less than the part. */
static int transfer_some(struct disk *disk, struct disk_request *request)
{
	off_t at = request->offset + request->engine_progress;
	ssize_t n;

	disk_part_begin(request);
	do
		n = request->operation == DISK_READ
			    ? preadv(disk->fd, request->engine_iov, request->engine_nr, at)
			    : pwritev(disk->fd, request->engine_iov, request->engine_nr, at);
	while (n < 0 && errno == EINTR);
	disk_part_end(request, MAX(n, 0));
	if (n < 0)
		return -errno;
	if (n)
		return 0;
	/* The file was truncated, or it never had whole sectors. */
	if (request->operation != DISK_READ || !disk_zero_tail(disk, request))
		return -EIO;
	request->engine_progress = request->length;
	return 0;
}

static int blocking_transfer(struct disk *disk, struct disk_request *request)
{
	u64 start = request->offset + request->engine_progress;
	int ret = transfer_some(disk, request);

	request->engine_more = !ret && request->engine_progress < request->length;
	if (!ret && request->operation == DISK_WRITE && disk->direct_fd >= 0)
		return leave_cache(disk, start, request->offset + request->engine_progress - start);
	return ret;
}

static int call_fallocate(const struct disk *disk, int mode, const struct disk_range *range)
{
	int ret;

	do
		ret = fallocate(disk->fd, mode | FALLOC_FL_KEEP_SIZE, range->offset, range->length);
	while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

static bool is_unsupported(int err)
{
	return err == -EOPNOTSUPP || err == -ENOSYS || err == -ENOTTY || err == -EINVAL ||
	       err == -ENODEV;
}

static int blocking_discard(struct disk *disk, const struct disk_range *range)
{
	int ret;

	if (!disk->block_device) {
		ret = call_fallocate(disk, FALLOC_FL_PUNCH_HOLE, range);
	} else {
		/* Only whole blocks can go; what sticks out may stay, a discard is advice. */
		u64 start = ALIGN_UP(range->offset, (u64)disk->info.block_size);
		u64 end = ALIGN_DOWN(range->offset + range->length, (u64)disk->info.block_size);
		u64 part[2] = { start, end - start };

		if (start >= end)
			return 0;
		ret = ioctl(disk->fd, BLKDISCARD, part) ? -errno : 0;
	}
	return is_unsupported(ret) ? -EOPNOTSUPP : ret;
}

static int write_zero_pages(const struct disk *disk, const struct disk_range *range)
{
	struct iovec iov[ZERO_IOVS];
	u64 progress = 0;

	while (progress < range->length) {
		u64 left = MIN(range->length - progress, (u64)ZERO_IOVS * sizeof(zero_page));
		unsigned nr = 0;

		for (u64 filled = 0; filled < left; filled += iov[nr++].iov_len) {
			iov[nr].iov_base = (void *)zero_page;
			iov[nr].iov_len = MIN(left - filled, (u64)sizeof(zero_page));
		}
		ssize_t n = pwritev(disk->fd, iov, nr, range->offset + progress);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		progress += n;
	}
	return disk->direct_fd >= 0 ? leave_cache(disk, range->offset, range->length) : 0;
}

/*
 * From cheap to dear, for files and block devices alike; what a host lacks is found out by trying,
 * each time: it is rare enough.
 */
static int write_zeroes(struct disk *disk, const struct disk_range *range, bool unmap)
{
	int ret = -EOPNOTSUPP;

	if (unmap)
		ret = call_fallocate(disk, FALLOC_FL_PUNCH_HOLE, range);
	if (is_unsupported(ret))
		ret = call_fallocate(disk, FALLOC_FL_ZERO_RANGE, range);
	return is_unsupported(ret) ? write_zero_pages(disk, range) : ret;
}

/*
 * What comes next of the ranges; false: nothing. Parts end at round offsets, since a disk that can only discard whole
 * pieces of its own would keep those through which a part's end goes.
 */
static bool next_piece(const struct disk_request *request, struct disk_range *piece)
{
	u64 skip = request->engine_progress;

	for (unsigned i = 0; i < request->nr_ranges; i++) {
		const struct disk_range *range = &request->ranges[i];

		if (skip >= range->length) {
			skip -= range->length;
			continue;
		}
		piece->offset = range->offset + skip;
		piece->length = MIN(range->length - skip,
				    DISK_RANGE_PART - piece->offset % DISK_RANGE_PART);
		return true;
	}
	return false;
}

static int clear_ranges(struct disk *disk, struct disk_request *request)
{
	u64 end = request->engine_progress + DISK_RANGE_PART;
	struct disk_range piece;
	int ret = 0;

	while (next_piece(request, &piece)) {
		request->engine_more = request->engine_progress >= end;
		if (request->engine_more)
			return 0;
		ret = request->operation == DISK_DISCARD
			      ? blocking_discard(disk, &piece)
			      : write_zeroes(disk, &piece, request->unmap);
		if (ret)
			return ret;
		request->engine_progress += piece.length;
	}
	return 0;
}

static int sync_data(const struct disk *disk)
{
	int ret;

	do
		ret = fdatasync(disk->fd);
	while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

int disk_run_blocking(struct disk *disk, struct disk_request *request)
{
	int ret = 0;

	request->engine_more = false;
	switch (request->operation) {
	case DISK_FLUSH:
		return sync_data(disk);
	case DISK_READ:
		return blocking_transfer(disk, request);
	case DISK_WRITE:
		ret = blocking_transfer(disk, request);
		break;
	case DISK_DISCARD:
	case DISK_WRITE_ZEROES:
		ret = clear_ranges(disk, request);
		break;
	}
	if (!ret && !request->engine_more && request->stable)
		ret = sync_data(disk);
	return ret;
}
