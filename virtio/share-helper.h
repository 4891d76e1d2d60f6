/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared folders' helper process: it serves one folder by one protocol, and has guest memory, that folder and
 * its queues' eventfds, nothing else. Its root is the folder where namespaces can be had; Landlock keeps it there in
 * addition, or alone. For devices (fs.c, 9p.c): share_open() in the kind's open, then vhost_user_open() with the
 * socket that it gives; the seat does the rest. Main thread.
 */
#ifndef VIRTIO_SHARE_HELPER_H
#define VIRTIO_SHARE_HELPER_H

#include <jansson.h>
#include "lkvm/share/9p.h"
#include "lkvm/share/fuse.h"

enum share_kind {
	SHARE_FUSE,
	SHARE_9P,
};

struct share_want {
	const char *words;  /* what lines begin with, and then the folder: "--fs " */
	const char *folder; /* lives as long as the share */
	enum share_kind kind;
	enum fuse_cache cache; /* FUSE */
	bool readonly, submounts;
	unsigned queues;     /* all of the device's */
	unsigned queue_size; /* of each at most */
};

struct share;

/*
 * Opens the folder and starts its helper (the kind's needs_helper must have said so). *socket is a connection to it
 * for vhost_user_open(), the caller's. Logs and returns -errno.
 */
int share_open(struct share **share, const struct share_want *want, int *socket);
/* Its helper must not write to guest memory any more: it is killed. Any thread; does not wait. share: a struct share. */
void share_kill(void *share);
/* After vhost_user_close(): the helper has time to finish what it does. NULL: nothing happens. */
void share_close(struct share *share);
/* Adds to `lkvm stat` what keeps the helper in. Any thread. */
void share_stat(const struct share *share, json_t *part);

#endif
