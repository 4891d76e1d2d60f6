/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The jail of a shared folder's helper. Called in the helper, before it has threads. */
#ifndef VIRTIO_SHARE_JAIL_H
#define VIRTIO_SHARE_JAIL_H

#include "lkvm/util/types.h"

#define SHARE_JAIL_ROOT                                                                            \
	BIT(0) /* the folder is the process's root, in a mount namespace of its own */
#define SHARE_JAIL_LANDLOCK BIT(1) /* Landlock allows nothing outside of the folder */
#define SHARE_JAIL_NETWORK  BIT(2) /* its network is an empty one */

/*
 * Goes into it, as far as this host allows; capabilities that a share does not need are dropped. *folder (O_PATH) is
 * replaced by one for the same folder as it is seen inside. Returns what could be had, SHARE_JAIL_..., or -errno: the folder is
 * lost.
 */
int share_jail(int *folder);

#endif
