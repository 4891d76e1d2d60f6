/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FUSE 7.31 (Linux 5.4) and later, as a virtio-fs device's queues carry it: an export, for a guest's kernel that keeps caches.
 * FORGET and INTERRUPT come by the device's first queue, but are taken from any. There is no window for DAX.
 *
 * What a cache mode promises the guest:
 *   none       Nothing is cached: names, attributes and data are asked for each time, so the guest sees at once what others
 *              change. A shared writable mmap(2) needs Linux 6.6 in the guest.
 *   auto       What others change in names and attributes, a file's size among them, is seen within a second. Opening a file
 *              drops what is cached of its data, unless it did not change since it was opened last.
 *   always     Names, attributes and data are cached for as long as the guest likes: nobody else changes the folder.
 *   writeback  As always, and data that the guest writes reaches the host when it is flushed (fsync, close, memory
 *              pressure), in large pieces.
 * What the guest itself does it sees at once, in all of them.
 *
 * Locks, of records and whole files, are the host's: they exclude its processes and other guests. A request that waits for one
 * holds no thread: it is tried again every few milliseconds. Linux cannot interrupt such a wait over virtio-fs (6.12).
 */
#ifndef LKVM_SHARE_FUSE_H
#define LKVM_SHARE_FUSE_H

#include "lkvm/share/export.h"
#include "lkvm/share/request.h"

/* Largest request: what a device's queue must be able to carry is this many pages and a few buffers more. */
#define FUSE_SERVER_MAX_PAGES 256

enum fuse_cache {
	FUSE_CACHE_NONE,
	FUSE_CACHE_AUTO,
	FUSE_CACHE_ALWAYS,
	FUSE_CACHE_WRITEBACK,
};

struct fuse_config {
	enum fuse_cache cache;
	bool submounts; /* tell the guest where other file systems begin, if it wants to know */
};

/*
 * NULL: no memory. The export stays the caller's, who closes it after ops->destroy(); one protocol to an export. Main
 * thread; threads of its own begin with the first lock that has to be waited for, and end with reset().
 */
struct share_protocol *fuse_create(struct export *export, const struct fuse_config *config);

#endif
