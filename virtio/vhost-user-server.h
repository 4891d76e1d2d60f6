/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The back end's side of vhost-user, for a helper process of ours: takes guest memory and queues from lkvm's front end
 * (vhost-user.h), and has a pool of threads that take requests from the queues, hand them to a protocol (share/request.h) and
 * give them back. A thread that waits for one request holds up no other, as long as there is another thread; those of the
 * first queue, if there are several (virtio-fs: forgotten names, interrupts), have one of their own.
 *
 * Nothing that comes from the guest can do more than break its queue, of which lkvm is told. lkvm's own messages are
 * checked, too: what makes no sense ends the helper.
 */
#ifndef VIRTIO_VHOST_USER_SERVER_H
#define VIRTIO_VHOST_USER_SERVER_H

#include "lkvm/share/request.h"

#define VHOST_USER_SERVER_MAX_QUEUES 32

struct vhost_user_server_want {
	struct share_protocol *protocol; /* stays the caller's */
	unsigned queues;
	unsigned queue_size; /* of each at most; a power of two */
	unsigned workers;    /* threads of the pool */
};

/*
 * Serves the front end behind `fd` (SOCK_STREAM, blocking; the server's) until that ends the connection. 0, or -errno: it
 * could not begin, or was told nonsense. The calling thread takes the messages. No request is under way
 * afterwards, and the protocol was reset.
 */
int vhost_user_server_run(const struct vhost_user_server_want *want, int fd);

#endif
