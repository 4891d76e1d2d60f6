// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the words of a --disk option to an open, locked and measured image. Every refusal names what
 * is wrong and what would work.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "disk-private.h"
#include "uapi/statx.h"

static int refuse_kind(const char *path, const struct stat *st)
{
	if (S_ISREG(st->st_mode) || S_ISBLK(st->st_mode))
		return 0;
	if (S_ISDIR(st->st_mode)) {
		log_error("--disk %s: is a directory, not a raw image or a block device", path);
		return -EISDIR;
	}
	log_error("--disk %s: is neither a regular file nor a block device", path);
	return -EINVAL;
}

static int say_open_error(const char *path, const struct stat *st, bool readonly, int err)
{
	if (err == EBUSY && S_ISBLK(st->st_mode)) {
		disk_say_busy(path, st);
		return -EBUSY;
	}
	if (!readonly && (err == EACCES || err == EPERM || err == EROFS) && !access(path, R_OK)) {
		log_error("--disk %s: cannot be opened for writing (%s); use it read-only with "
			  "--disk %s,ro",
			  path, strerror(err), path);
		return -err;
	}
	log_error("--disk %s: %s", path, strerror(err));
	return -err;
}

/*
 * Looked at before it is opened, because opening a FIFO waits and opening a character device may do
 * things; and once more afterwards, because the name may mean something else by then.
 */
static int open_image(struct disk *disk, struct stat *st)
{
	int flags = (disk->info.readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int ret;

	if (stat(disk->path, st)) {
		ret = -errno;
		log_error("--disk %s: %s", disk->path,
			  ret == -ENOENT ? "no such file" : strerror(errno));
		return ret;
	}
	ret = refuse_kind(disk->path, st);
	if (ret)
		return ret;
	/* On a block device O_EXCL refuses one that is mounted or otherwise claimed. */
	if (S_ISBLK(st->st_mode) && !disk->info.readonly)
		flags |= O_EXCL;
	disk->fd = open(disk->path, flags);
	if (disk->fd < 0)
		return say_open_error(disk->path, st, disk->info.readonly, errno);
	if (fstat(disk->fd, st)) {
		ret = -errno;
		log_error("--disk %s: %s", disk->path, strerror(errno));
		return ret;
	}
	return refuse_kind(disk->path, st);
}

static int measure_block_device(struct disk *disk)
{
	int logical = 0, protected = 0;
	unsigned physical = 0;

	if (ioctl(disk->fd, BLKGETSIZE64, &disk->file_size) ||
	    ioctl(disk->fd, BLKSSZGET, &logical)) {
		int ret = -errno;

		log_error("--disk %s: the block device's size cannot be read: %s", disk->path,
			  strerror(errno));
		return ret;
	}
	if (!disk->info.readonly && !ioctl(disk->fd, BLKROGET, &protected) && protected) {
		log_error("--disk %s: the block device is read-only; use --disk %s,ro", disk->path,
			  disk->path);
		return -EROFS;
	}
	if (ioctl(disk->fd, BLKPBSZGET, &physical))
		physical = 0;
	disk->info.block_size =
		IS_POWER_OF_2(logical) && logical >= DISK_SECTOR ? logical : DISK_SECTOR;
	disk->info.physical_block_size = IS_POWER_OF_2(physical)
						 ? MAX(physical, disk->info.block_size)
						 : disk->info.block_size;
	return 0;
}

/*
 * The guest of a file always sees sectors of 512 bytes, with and without O_DIRECT and whatever disk
 * the host has: a partition table counts in them, and the image must mean the same everywhere. The
 * physical size keeps the guest's file systems aligned to what the host writes well.
 */
static void measure_file(struct disk *disk, const struct stat *st)
{
	u32 hint = IS_POWER_OF_2(st->st_blksize) ? st->st_blksize : DISK_SECTOR;

	disk->file_size = st->st_size;
	disk->info.block_size = DISK_SECTOR;
	disk->info.physical_block_size = MIN(MAX(hint, (u32)DISK_SECTOR), 4096U);
}

/* Tar archives and the like end anywhere: their tail belongs to the disk, filled up with zeroes. */
static int check_size(struct disk *disk)
{
	disk->info.size = ALIGN_UP(disk->file_size, (u64)DISK_SECTOR);
	if (!disk->info.size) {
		log_error("--disk %s: is empty; make it as large as the guest's disk shall be "
			  "(truncate -s 10G %s)",
			  disk->path, disk->path);
		return -EINVAL;
	}
	if (disk->info.size != disk->file_size)
		log_info("--disk %s: %llu bytes are not whole sectors; the last one is filled up "
			 "with zeroes",
			 disk->path, (unsigned long long)disk->file_size);
	return 0;
}

static void warn_of_format(const struct disk *disk)
{
	u8 magic[8] = { 0 };

	if (pread(disk->fd, magic, sizeof(magic), 0) != sizeof(magic))
		return;
	/* Not refused: a guest may have written such an image to its raw disk. */
	if (!memcmp(magic, "QFI\xfb\0\0\0", 7) && (magic[7] == 2 || magic[7] == 3))
		log_warning("--disk %s: looks like a qcow2 image but is used as a raw one; "
			    "convert it with qemu-img convert -O raw",
			    disk->path);
}

/* Beyond the end a hole is nothing, so this asks without doing. */
static bool file_can_discard(const struct disk *disk)
{
	u64 offset = ALIGN_UP(disk->info.size, MIB(1)) + MIB(1);

	return !fallocate(disk->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, 4096);
}

static bool read_discard_limit(const char *format, dev_t dev, unsigned long long *limit)
{
	char path[96];

	snprintf(path, sizeof(path), format, major(dev), minor(dev));
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	bool ok = fscanf(file, "%llu", limit) == 1;
	fclose(file);
	return ok;
}

static bool device_can_discard(const struct stat *st)
{
	unsigned long long limit = 0;

	/* A partition's limits are its parent's. */
	if (!read_discard_limit("/sys/dev/block/%u:%u/queue/discard_max_bytes", st->st_rdev,
				&limit))
		read_discard_limit("/sys/dev/block/%u:%u/../queue/discard_max_bytes", st->st_rdev,
				   &limit);
	return limit > 0;
}

/* What reads at address and offset `align`, but not at larger multiples of it, goes through? */
static bool direct_works_at(int fd, u32 align)
{
	void *buffer;

	if (posix_memalign(&buffer, 8192, 16384))
		return false;
	ssize_t got = pread(fd, (u8 *)buffer + align, align, align);
	free(buffer);
	return got >= 0;
}

/* 0 when the host tells no alignment and trying finds none either. */
static u32 find_direct_alignment(const struct disk *disk)
{
	if (disk->block_device)
		return disk->info.block_size;
	for (u32 align = DISK_SECTOR; align <= 4096; align *= 2)
		if (direct_works_at(disk->direct_fd, align))
			return align;
	return 0;
}

/*
 * A second descriptor beside the buffered one: the kernel keeps both coherent as long as requests
 * through them do not overlap in time, which the engine sees to. A name that was moved since the
 * first open is caught by comparing.
 */
static int open_direct(struct disk *disk, const struct stat *st)
{
	struct stat again;
	struct statx_dio dio = { 0 };

	disk->direct_fd = open(disk->path, (disk->info.readonly ? O_RDONLY : O_RDWR) | O_DIRECT |
						   O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (disk->direct_fd < 0) {
		int ret = -errno;

		if (ret == -EINVAL)
			log_error("--disk %s: its file system has no direct I/O; leave out ,direct",
				  disk->path);
		else
			log_error("--disk %s: ,direct: %s", disk->path, strerror(errno));
		return ret;
	}
	if (fstat(disk->direct_fd, &again) || again.st_ino != st->st_ino ||
	    again.st_dev != st->st_dev) {
		log_error("--disk %s: was replaced while it was being opened", disk->path);
		return -EAGAIN;
	}
	if (!syscall(SYS_statx, disk->direct_fd, "", AT_EMPTY_PATH, STATX_ASK_DIOALIGN, &dio) &&
	    (dio.mask & STATX_ASK_DIOALIGN) && dio.offset_align) {
		disk->direct_offset_align = dio.offset_align;
		disk->direct_memory_align = dio.mem_align;
	} else {
		disk->direct_offset_align = find_direct_alignment(disk);
		disk->direct_memory_align = disk->direct_offset_align;
	}
	if (!IS_POWER_OF_2(disk->direct_offset_align) ||
	    !IS_POWER_OF_2(disk->direct_memory_align)) {
		log_error("--disk %s: direct I/O does not work on it; leave out ,direct",
			  disk->path);
		return -EINVAL;
	}
	disk->info.physical_block_size =
		MAX(disk->info.physical_block_size, disk->direct_offset_align);
	return 0;
}

static int open_and_measure(struct disk *disk, bool direct)
{
	struct stat st;
	int ret = open_image(disk, &st);

	if (ret)
		return ret;
	ret = disk_lock(disk->fd, disk->path, !disk->info.readonly);
	if (ret)
		return ret;
	disk->block_device = S_ISBLK(st.st_mode);
	if (disk->block_device)
		ret = measure_block_device(disk);
	else
		measure_file(disk, &st);
	if (!ret)
		ret = check_size(disk);
	if (!ret && direct)
		ret = open_direct(disk, &st);
	if (ret)
		return ret;
	if (!disk->info.readonly)
		disk->info.can_discard =
			disk->block_device ? device_can_discard(&st) : file_can_discard(disk);
	warn_of_format(disk);
	return 0;
}

static void disk_free(struct disk *disk)
{
	if (disk->direct_fd >= 0)
		close(disk->direct_fd);
	if (disk->fd >= 0)
		close(disk->fd);
	free(disk->path);
	free(disk);
}

int disk_open(struct disk **result, const struct disk_config *config)
{
	struct disk *disk = calloc(1, sizeof(*disk));
	int ret;

	if (!disk)
		return -ENOMEM;
	disk->fd = disk->direct_fd = disk->event_fd = -1;
	disk->info.readonly = config->readonly;
	disk->path = strdup(config->path);
	ret = disk->path ? open_and_measure(disk, config->direct) : -ENOMEM;
	if (!ret)
		ret = disk_engine_init(disk);
	if (ret) {
		disk_free(disk);
		return ret;
	}
	log_debug("--disk %s: %llu bytes, blocks of %u/%u, %s%s%s", disk->path,
		  (unsigned long long)disk->info.size, disk->info.block_size,
		  disk->info.physical_block_size, disk->info.readonly ? "read-only" : "writable",
		  disk->info.can_discard ? ", discard" : "", config->direct ? ", direct" : "");
	*result = disk;
	return 0;
}

void disk_close(struct disk *disk)
{
	disk_stop(disk);
	disk_engine_exit(disk);
	/* The guest may have powered off without a flush; nobody comes back to repeat it. */
	if (disk->written && fdatasync(disk->fd))
		log_error("--disk %s: the last writes did not reach it: %s", disk->path,
			  strerror(errno));
	disk_free(disk);
}

const struct disk_info *disk_info(const struct disk *disk)
{
	return &disk->info;
}

struct loop *disk_loop(struct disk *disk)
{
	return disk->loop;
}
