/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Until everything that a disk was asked for is done, whoever runs its loop. */
#ifndef TEST_DISK_DRAIN_H
#define TEST_DISK_DRAIN_H

#include <poll.h>
#include <unistd.h>
#include "../../block/disk-private.h"

struct disk_look {
	struct disk *disk;
	bool idle;
};

static inline void disk_look(void *arg)
{
	struct disk_look *look = arg;
	struct disk *disk = look->disk;

	disk_kick(disk);
	look->idle = TAILQ_EMPTY(&disk->pending) && !disk->in_kernel && !disk->in_worker;
}

static inline void disk_drain(struct disk *disk)
{
	struct pollfd wait = { .fd = disk->event_fd, .events = POLLIN };
	struct disk_look look = { .disk = disk };

	for (;;) {
		loop_call(disk->loop, disk_look, &look);
		if (look.idle)
			return;
		if (loop_is_current(disk->loop))
			poll(&wait, 1, -1);
		else
			usleep(200);
	}
}

#endif
