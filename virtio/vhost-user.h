/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front end of vhost-user: a seat (lkvm/virtio/core.h) whose queues are served by another process, the back end. It is
 * reached by a socket, has guest memory, and gets each queue's kick and interrupt eventfds, so that a request takes no
 * turn through lkvm. A device makes one, and calls it from its own steps:
 *
 *	kind's open	vhost_user_open: connects, asks what the back end has
 *	kind's create	virtio_init, then vhost_user_serve, then virtio_attach
 *	activate, reset, start, stop of struct virtio_device_ops: the functions of that name here; notify is never called
 *	destroy		vhost_user_close, before virtio_exit
 *
 * A back end is not trusted: whatever it sends is checked, and whatever it does not send in time breaks the device, with
 * one line. It has guest memory, and can do to the guest what it likes.
 *
 * Threads: vhost_user_open on the main thread; what says so with dev->lock held; the rest on a loop of the seat's own,
 * whose handlers may take dev->lock: nobody waits for that loop with the lock held.
 */
#ifndef VIRTIO_VHOST_USER_H
#define VIRTIO_VHOST_USER_H

#include "lkvm/virtio/core.h"

struct vhost_user;
struct vm_config;

/* What a device wants of its back end; strings live as long as the seat. */
struct vhost_user_want {
	const char *
		words; /* what lines before the guest's start begin with, and then the path: "--fs socket=" */
	const char *name; /* of the seat's thread */
	const char *path; /* where the back end listens; NULL: `fd` is connected with it */
	int fd;		  /* SOCK_STREAM; the seat's, from the call on */
	unsigned queues;  /* it must serve so many at least */
	u64 features;	  /* of the device's type: those that make sense here, if it has them */
	u32 config_size; /* bytes of the configuration space, the back end's; 0: it is the device's */
	bool config_needed; /* a back end without one is refused; else the device fills it itself */
	/*
	 * When the back end is lost its requests wait for the next one on the same path, which does them again. Otherwise
	 * the device breaks, and works with the next back end after the guest has reset it.
	 */
	bool resumes;
	u64 patience; /* ns that an answer may take; 0: VHOST_USER_ANSWER_NS */
	/*
	 * Whoever serves it has guest memory, also when it is given up: for a process of ours, to be ended then. dev->lock
	 * held, or any thread's of the seat; does not wait. NULL: nothing can be done.
	 */
	void (*lost)(void *opaque);
	void *opaque;
};

/* For a kind's check: -EINVAL, logged with the option's name, where virtio devices are behind a legacy transport. */
int vhost_user_check(const struct vm_config *config, const char *option);
/* Logs and returns -errno. */
int vhost_user_open(struct vhost_user **vu, const struct vhost_user_want *want);
/* Also for one that serves nobody; NULL: nothing happens. The device is not attached, or is being destroyed. */
void vhost_user_close(struct vhost_user *vu);

/* Of the device's type: those of want.features that the back end has. */
u64 vhost_user_features(const struct vhost_user *vu);
/* dev->lock held: is it there? Of a device that waits for the next one, the configuration changes with this. */
bool vhost_user_there(const struct vhost_user *vu);
/* Queues that it can serve; 0: it did not say. */
unsigned vhost_user_queues(const struct vhost_user *vu);
/* Its configuration space, want.config_size bytes, read anew if it has changed. NULL: it has none. dev->lock, or before. */
const u8 *vhost_user_config(struct vhost_user *vu);
/* The guest wrote there. dev->lock held. */
void vhost_user_config_write(struct vhost_user *vu, u32 offset, const u8 *data, u32 len);

/*
 * The device's queues are served by it: after virtio_init, before virtio_attach. `own` are features that the device has of
 * itself, whatever the back end has. On failure logs, destroys the device and returns -errno.
 */
int vhost_user_serve(struct vhost_user *vu, struct virtio_device *dev, u64 own);

/* dev->lock held. 0 or -errno, after which the device is broken and said so. */
int vhost_user_activate(struct vhost_user *vu);
void vhost_user_reset(struct vhost_user *vu);
/* 0 or -errno. */
int vhost_user_start(struct vhost_user *vu);
/* Ends the seat's thread. */
void vhost_user_stop(struct vhost_user *vu);

#endif
