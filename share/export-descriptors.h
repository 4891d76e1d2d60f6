/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes' descriptors as a cache. With the export's lock, unless they say otherwise. */
#ifndef SHARE_EXPORT_DESCRIPTORS_H
#define SHARE_EXPORT_DESCRIPTORS_H

#include "export-private.h"

/* ns, never 0 where the file system has it and it stays. */
s64 export_btime(const struct export_mount *mount, const struct statx *stx);
/* Of an object whose device and inode number are the node's, whose descriptor was given back. */
bool export_same_object(struct export_node *node, int fd, const struct statx *stx);
/* It has a descriptor that nobody uses: may be given back, unless it is pinned. */
void export_list_fd(struct export_node *node);
/* It has one that must not be given back. */
void export_pin_fd(struct export_node *node);
/* It is nobody's any more: its descriptor, for the caller to close and take from the count, or -1. */
int export_take_fd(struct export_node *node);
/* One node of a mount less. */
void export_drop_mount(struct export *export, struct export_mount *mount);
/* Without the lock: sets the mount's fd and handles if the file system has them. fd: a folder of it. */
void export_try_handles(struct export *export, struct export_mount *mount, int fd);

#endif
