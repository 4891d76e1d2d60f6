/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disk images on real files in a folder of their own, and one request after the other. */
#ifndef TEST_DISK_FILE_H
#define TEST_DISK_FILE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lkvm/block/disk.h"
#include "disk_drain.h"
#include "said.h"

static char dir[64];

static inline const char *path_of(const char *name)
{
	static char path[4][128];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static inline const char *make_file(const char *name, u64 size)
{
	const char *path = path_of(name);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
	return path;
}

/* disk_open() with its words on stderr caught in `said`. */
static inline int open_said(struct disk **disk, struct disk_config config)
{
	int ret;

	said_begin();
	ret = disk_open(disk, &config);
	said_end();
	return ret;
}

static inline struct disk *open_good(const char *path, bool readonly, bool direct)
{
	struct disk *disk = NULL;
	int ret = open_said(&disk, (struct disk_config){
					   .path = path, .readonly = readonly, .direct = direct });

	if (ret)
		fail_msg("%s", said);
	return disk;
}

static inline struct disk *open_direct_or_skip(const char *path)
{
	struct disk *disk;
	struct disk_config config = { .path = path, .direct = true };

	if (!open_said(&disk, config))
		return disk;
	assert_non_null(strstr(said, ",direct"));
	skip();
	return NULL;
}

static inline void assert_refused(struct disk_config config, int error, const char *words)
{
	struct disk *disk;

	assert_int_equal(open_said(&disk, config), error);
	if (!strstr(said, words) || !strstr(said, config.path))
		fail_msg("expected '%s', got '%s'", words, said);
	/* One line. */
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

/* ---- one request, start to end, with nobody running the loop ---- */

struct one {
	struct disk_request request;
	int error;
	unsigned called;
};

static inline void one_done(struct disk_request *request, int error)
{
	struct one *one = CONTAINER_OF(request, struct one, request);

	one->error = error;
	one->called++;
}

static inline int run_one(struct disk *disk, struct disk_request request)
{
	struct one one = { .request = request };

	one.request.done = one_done;
	disk_submit(disk, &one.request);
	assert_int_equal(one.called, 0);
	disk_kick(disk);
	disk_drain(disk);
	assert_int_equal(one.called, 1);
	return one.error;
}

static inline int rw(struct disk *disk, enum disk_operation operation, u64 offset, void *buffer,
		     u64 length)
{
	struct iovec iov = { buffer, length };

	return run_one(disk, (struct disk_request){ .operation = operation,
						    .offset = offset,
						    .length = length,
						    .iov = &iov,
						    .nr_iov = 1 });
}

static inline int on_range(struct disk *disk, enum disk_operation operation, u64 offset, u64 length,
			   bool unmap)
{
	struct disk_range range = { offset, length };

	return run_one(disk, (struct disk_request){ .operation = operation,
						    .ranges = &range,
						    .nr_ranges = 1,
						    .unmap = unmap });
}

static inline void fill(u8 *buffer, size_t length, unsigned seed)
{
	for (size_t i = 0; i < length; i++)
		buffer[i] = (i * 7 + (i >> 9) * 13 + seed) | 1;
}

static inline bool all_zero(const u8 *buffer, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (buffer[i])
			return false;
	return true;
}

/* ---- the folder ---- */

static inline int set_up(void **state)
{
	/* Not /tmp's tmpfs by preference: holes and O_DIRECT want a real file system. */
	snprintf(dir, sizeof(dir), "%s/lkvm-test-disk-XXXXXX",
		 access("/var/tmp", W_OK) ? "/tmp" : "/var/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

static inline int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

#endif
