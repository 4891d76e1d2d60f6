// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "lkvm/util/eventfd.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"
#include "vhost.h"

/* Bits that are not the device's type's (virtio 1.3, 6). */
#define COMMON_FEATURES (BIT(50) - BIT(24))

/* A queue's interrupts, where KVM does not take them. */
struct vhost_call {
	struct loop_fd handler; /* vm->loop */
	struct vhost *vhost;
	unsigned index;
};

struct vhost {
	struct virtio_seat seat;
	const struct vhost_want *want;
	int fd;
	u64 features;		   /* of the kernel */
	struct virtio_device *dev; /* NULL until it serves one */
	struct vhost_call calls[VIRTIO_MAX_QUEUES];
	/* dev->lock. */
	u64 attached; /* a bit for each queue that the kernel knows */
	bool running;
};

static struct vhost *vhost_of(const struct virtio_device *dev)
{
	return CONTAINER_OF(dev->seat, struct vhost, seat);
}

static int vhost_ioctl(const struct vhost *vhost, unsigned long request, const void *arg)
{
	return ioctl(vhost->fd, request, arg) < 0 ? -errno : 0;
}

/* ---- what the driver settled ---- */

/* There is nothing behind an address that the kernel would have to look up: without ACCESS_PLATFORM it takes it as it is. */
static int set_features(const struct vhost *vhost)
{
	u64 features =
		vhost->dev->state.features & vhost->features & ~BIT(VIRTIO_F_ACCESS_PLATFORM);

	return vhost_ioctl(vhost, VHOST_SET_FEATURES, &features);
}

static int set_memory(const struct vhost *vhost)
{
	const struct guest_memory *memory = vhost->dev->memory;
	struct vhost_memory *table =
		calloc(1, sizeof(*table) + memory->nr_regions * sizeof(table->regions[0]));
	int err;

	if (!table)
		return -ENOMEM;
	for (unsigned i = 0; i < memory->nr_regions; i++) {
		const struct guest_region *region = &memory->regions[i];

		if (!region->readonly)
			table->regions[table->nregions++] = (struct vhost_memory_region){
				.guest_phys_addr = region->gpa,
				.memory_size = region->size,
				.userspace_addr = (uintptr_t)region->hva,
			};
	}
	err = vhost_ioctl(vhost, VHOST_SET_MEM_TABLE, table);
	free(table);
	return err;
}

int vhost_activate(struct vhost *vhost)
{
	int err = set_features(vhost) ?: set_memory(vhost);

	if (err)
		virtio_fail(vhost->dev, "%s does not take it: %s", vhost->want->path,
			    strerror(-err));
	return err;
}

/* ---- queues ---- */

static int set_fd(const struct vhost *vhost, unsigned long request, u32 index, int fd)
{
	const struct vhost_vring_file file = { .index = index, .fd = fd };

	return vhost_ioctl(vhost, request, &file);
}

static int set_queue(const struct vhost *vhost, const struct virtio_queue_slot *slot)
{
	const struct virtqueue *vq = &slot->vq;
	const struct vhost_vring_state size = { .index = vq->index, .num = vq->state.size };
	const struct vhost_vring_state base = { .index = vq->index, .num = vq->state.next_avail };
	const struct vhost_vring_addr addr = {
		.index = vq->index,
		.desc_user_addr = (uintptr_t)vq->desc_ring,
		.used_user_addr = (uintptr_t)vq->used,
		.avail_user_addr = (uintptr_t)vq->avail,
	};

	return vhost_ioctl(vhost, VHOST_SET_VRING_NUM, &size) ?:
	       vhost_ioctl(vhost, VHOST_SET_VRING_BASE, &base) ?:
	       vhost_ioctl(vhost, VHOST_SET_VRING_ADDR, &addr) ?:
	       set_fd(vhost, VHOST_SET_VRING_CALL, vq->index, vhost->calls[vq->index].handler.fd) ?:
	       set_fd(vhost, VHOST_SET_VRING_KICK, vq->index, slot->kick_fd);
}

/* What was kicked before it ran was taken from the eventfd, and not looked at. */
static int vhost_run(struct vhost *vhost)
{
	int err = vhost->want->run(vhost, true);

	vhost->running = !err;
	for (unsigned i = 0; i < vhost->want->queues && !err; i++)
		eventfd_poke(vhost->dev->queues[i].kick_fd);
	return err;
}

static int vhost_attach(struct virtio_queue_slot *slot)
{
	struct vhost *vhost = vhost_of(slot->vq.device);
	unsigned index = slot->vq.index;
	int err;

	if (index >= vhost->want->queues)
		return 0;
	virtio_queue_set_call(slot, vhost->calls[index].handler.fd);
	err = set_queue(vhost, slot);
	if (!err) {
		vhost->attached |= BIT(index);
		if (vhost->attached == BIT(vhost->want->queues) - 1)
			err = vhost_run(vhost);
	}
	if (err)
		log_debug("%s: queue %u: %s", slot->vq.device->device.name, index, strerror(-err));
	return err;
}

/* All stop: a device of the kernel's runs with all of its queues or not at all. Kicks then stay in the eventfd. */
static void vhost_detach(struct virtio_queue_slot *slot)
{
	struct vhost *vhost = vhost_of(slot->vq.device);
	struct virtqueue *vq = &slot->vq;
	struct vhost_vring_state base = { .index = vq->index };

	if (vq->index >= vhost->want->queues)
		return;
	if (vhost->running)
		vhost->want->run(vhost, false);
	vhost->running = false;
	vhost->attached &= ~BIT(vq->index);
	set_fd(vhost, VHOST_SET_VRING_KICK, vq->index, -1);
	vq->state.next_used = le16toh(__atomic_load_n(&vq->used->idx, __ATOMIC_ACQUIRE));
	if (vhost_ioctl(vhost, VHOST_GET_VRING_BASE, &base))
		base.num = vq->state.next_used;
	vq->state.next_avail = base.num;
	virtio_queue_set_call(slot, -1);
}

static const struct virtio_seat_ops vhost_seat_ops = {
	.attach = vhost_attach,
	.detach = vhost_detach,
};

static void on_call(struct loop_fd *handler, u32 events)
{
	struct vhost_call *call = CONTAINER_OF(handler, struct vhost_call, handler);

	if (eventfd_drain(handler->fd))
		virtio_queue_interrupt(call->vhost->dev, call->index);
}

/* ---- life ---- */

int vhost_fd(const struct vhost *vhost)
{
	return vhost->fd;
}

u64 vhost_features(const struct vhost *vhost)
{
	return vhost->features & ~COMMON_FEATURES;
}

static void say_no_file(const struct vhost_want *want, int err)
{
	if (err == -ENOENT || err == -ENODEV)
		log_fatal("%s: there is no %s; 'modprobe %s', by root, makes it", want->words,
			  want->path, want->module);
	else
		log_fatal("%s: %s: %s%s", want->words, want->path, strerror(-err),
			  err == -EACCES ? "; its group (ls -l) may use it" : "");
}

static int vhost_begin(struct vhost *vhost)
{
	int err;

	vhost->fd = open(vhost->want->path, O_RDWR | O_CLOEXEC);
	if (vhost->fd < 0) {
		err = -errno;
		say_no_file(vhost->want, err);
		return err;
	}
	err = vhost_ioctl(vhost, VHOST_SET_OWNER, NULL)
		      ?: vhost_ioctl(vhost, VHOST_GET_FEATURES, &vhost->features);
	if (err)
		log_fatal("%s: %s: %s", vhost->want->words, vhost->want->path, strerror(-err));
	return err;
}

int vhost_open(struct vhost **out, const struct vhost_want *want)
{
	struct vhost *vhost = calloc(1, sizeof(*vhost));
	int err;

	if (!vhost)
		return -ENOMEM;
	vhost->want = want;
	for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++)
		vhost->calls[i] = (struct vhost_call){ .handler = { .fd = -1, .ready = on_call },
						       .vhost = vhost,
						       .index = i };
	err = vhost_begin(vhost);
	if (err)
		vhost_close(vhost);
	else
		*out = vhost;
	return err;
}

void vhost_close(struct vhost *vhost)
{
	if (!vhost)
		return;
	for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++) {
		loop_fd_del(&vhost->calls[i].handler);
		if (vhost->calls[i].handler.fd >= 0)
			close(vhost->calls[i].handler.fd);
	}
	if (vhost->fd >= 0)
		close(vhost->fd);
	free(vhost);
}

static int make_call(struct vhost *vhost, unsigned index)
{
	struct loop_fd *handler = &vhost->calls[index].handler;

	handler->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return handler->fd < 0 ? -errno : loop_fd_add(vhost->dev->vm->loop, handler, EPOLLIN);
}

int vhost_serve(struct vhost *vhost, struct virtio_device *dev)
{
	int err = 0;

	vhost->dev = dev;
	vhost->seat.ops = &vhost_seat_ops;
	/* A queue is taken away by stopping, and guests that have an IOMMU in mind pass addresses like others. */
	vhost->seat.features =
		vhost->features | BIT(VIRTIO_F_RING_RESET) | BIT(VIRTIO_F_ACCESS_PLATFORM);
	vhost->seat.features &= ~BIT(VHOST_F_LOG_ALL);
	virtio_set_seat(dev, &vhost->seat);
	for (unsigned i = 0; i < vhost->want->queues && !err; i++)
		err = make_call(vhost, i);
	if (!err)
		return 0;
	log_error("%s: %s", dev->device.name, strerror(-err));
	dev->ops->destroy(dev);
	return err;
}
