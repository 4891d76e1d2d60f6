/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 9P2000.L, as a virtio-9p device's queue carries it (virtio 1.3, 5.9 leaves the protocol to others: it is described in
 * diod's protocol.md and by Linux's net/9p): an export, for kernels without virtio-fs and for existing scripts.
 *
 * The guest holds objects by fids, each with the user who attached. Locks never wait: the guest's kernel asks again.
 */
#ifndef LKVM_SHARE_9P_H
#define LKVM_SHARE_9P_H

#include "lkvm/share/export.h"
#include "lkvm/share/request.h"

/* Bytes of the largest message: what Linux's virtio transport can carry with pages of 4 KiB. */
#define P9_MAX_MESSAGE 512000u
/* What a guest can have at once. */
#define P9_MAX_FIDS    65536u
#define P9_MAX_XATTRS  MIB(16) /* bytes of values under way */

/*
 * NULL: no memory. The export stays the caller's, who closes it after ops->destroy(); one protocol to an export. Main
 * thread.
 */
struct share_protocol *p9_create(struct export *export);

#endif
