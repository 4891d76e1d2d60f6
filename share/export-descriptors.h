/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes' descriptors as a cache. All but export_same_object() and export_btime() want the export's lock. */
#ifndef SHARE_EXPORT_DESCRIPTORS_H
#define SHARE_EXPORT_DESCRIPTORS_H

#include "export-private.h"

/* ns, never 0 where the file system has it and it stays. */
s64 export_btime(const struct export_mount *mount, const struct statx *stx);
/* Of an object whose device and inode number are the node's, whose descriptor was given back. */
bool export_same_object(struct export_node *node, int fd, const struct statx *stx);
/* It has a descriptor that nobody uses: may be given back, unless it is pinned. */
void export_list_fd(struct export_node *node);
/* A node goes. */
void export_drop_fd(struct export_node *node);
/* One more node of a mount, of which fd is one. drop: one less. */
void export_take_mount(struct export *export, struct export_mount *mount, int fd,
		       const struct statx *stx);
void export_drop_mount(struct export *export, struct export_mount *mount);

#endif
