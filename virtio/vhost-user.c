// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The seat: what a device's steps are in messages to the back end, and what becomes of the device when that is lost.
 *
 * The connection is dev->lock's. Where it breaks, whoever holds the lock only marks it (vhost_user_lose) and shuts it down; the
 * loop's thread, which sees that, takes it apart and looks for the next one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "lkvm/util/eventfd.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"
#include "vhost-user-private.h"

/* Bits that are not the device's type's (virtio 1.3, 6). */
#define COMMON_FEATURES (BIT(50) - BIT(24))

/* More than a log of all requests of all queues takes, 64 bytes each. */
#define INFLIGHT_MAX (VIRTIO_MAX_QUEUES * VIRTQUEUE_MAX_SIZE * 64ULL)

static struct vhost_user *vu_of(const struct virtio_device *dev)
{
	return CONTAINER_OF(dev->seat, struct vhost_user, seat);
}

/* ---- a back end that is lost ---- */

/* dev->lock held. */
void vhost_user_lose(struct vhost_user *vu, const char *why)
{
	struct virtio_device *dev = vu->dev;

	if (vu->lost)
		return;
	vu->lost = true;
	shutdown(vu->peer.socket.fd, SHUT_RDWR);
	if (vu->want.lost)
		vu->want.lost(vu->want.opaque);
	if (vu->want.resumes)
		virtio_config_changed(dev);
	if (!vu->want.resumes)
		virtio_fail(dev, "its back end (%s) is lost: %s; it fails until %s",
			    vhost_user_where(vu), why,
			    vu->want.path ? "there is one again and the guest resets the device"
					  : "lkvm is started again");
	else if (log_limit_ok(&vu->complaints))
		log_warning(
			"%s: its back end (%s) is lost: %s; requests wait for the next one there",
			dev->device.name, vhost_user_where(vu), why);
}

/* 0, or the connection is marked as lost. */
static int seat_set(struct vhost_user *vu, enum vhost_user_request request, const void *payload,
		    u32 size, const int *fds, unsigned nr_fds)
{
	int err = vu->lost ? -ENOTCONN
			   : vhost_user_set(&vu->peer.socket, request, payload, size, fds, nr_fds);

	if (err)
		vhost_user_lose(vu, vu->peer.socket.why);
	return err;
}

static int seat_set_number(struct vhost_user *vu, enum vhost_user_request request, u64 number)
{
	return seat_set(vu, request, &number, sizeof(number), NULL, 0);
}

static int seat_set_state(struct vhost_user *vu, enum vhost_user_request request, u32 index,
			  u32 num)
{
	struct vhost_user_vring_state state = { .index = index, .num = num };

	return seat_set(vu, request, &state, sizeof(state), NULL, 0);
}

/* ---- what the driver settled ---- */

static struct vhost_user_region region_message(const struct guest_region *region)
{
	return (struct vhost_user_region){
		.gpa = region->gpa,
		.size = region->size,
		.user_addr = (uintptr_t)region->hva,
		.offset = region->offset,
	};
}

/* Regions never change, so those of a peer that keeps them one by one are told once. */
static int tell_slots(struct vhost_user *vu)
{
	const struct guest_memory *memory = vu->dev->memory;
	int err = 0;

	for (unsigned i = 0; !vu->has_slots && !err && i < memory->nr_regions; i++) {
		struct vhost_user_memory_region message = { .region = region_message(
								    &memory->regions[i]) };

		if (memory->regions[i].shared)
			err = seat_set(vu, VHOST_USER_ADD_MEM_REG, &message, sizeof(message),
				       &memory->fd, 1);
	}
	vu->has_slots = !err;
	return err;
}

static int tell_memory(struct vhost_user *vu)
{
	const struct guest_memory *memory = vu->dev->memory;
	struct vhost_user_memory table = { 0 };
	int fds[VHOST_USER_MAX_REGIONS];

	_Static_assert(GUEST_MEMORY_MAX_REGIONS <= VHOST_USER_MAX_REGIONS, "all have a place");
	if (peer_has(&vu->peer, VHOST_USER_PROTOCOL_MEM_SLOTS) &&
	    vu->peer.slots >= memory->nr_regions)
		return tell_slots(vu);
	for (unsigned i = 0; i < memory->nr_regions; i++) {
		if (!memory->regions[i].shared)
			continue;
		fds[table.nr] = memory->fd;
		table.regions[table.nr++] = region_message(&memory->regions[i]);
	}
	return seat_set(vu, VHOST_USER_SET_MEM_TABLE, &table,
			offsetof(struct vhost_user_memory, regions[table.nr]), fds, table.nr);
}

static void drop_inflight(struct vhost_user *vu)
{
	if (vu->inflight >= 0)
		close(vu->inflight);
	vu->inflight = -1;
}

/* Never mapped here: it is kept for who comes after this peer, and can be as wrong as it likes. */
static int get_inflight(struct vhost_user *vu)
{
	struct vhost_user_inflight place = {
		.nr_queues = vu->dev->nr_queues,
		.queue_size = vu->dev->ops->queue_size,
	};
	int err = vhost_user_get(&vu->peer.socket, VHOST_USER_GET_INFLIGHT_FD, &place,
				 sizeof(place), sizeof(place), &vu->inflight);

	if (!err && (vu->inflight < 0 || place.mmap_size > INFLIGHT_MAX)) {
		snprintf(vu->peer.socket.why, sizeof(vu->peer.socket.why),
			 "a log of %llu bytes%s is its answer to GET_INFLIGHT_FD",
			 (unsigned long long)place.mmap_size,
			 vu->inflight < 0 ? " without a descriptor" : "");
		err = -EPROTO;
	}
	vu->inflight_place = place;
	if (!err)
		return 0;
	drop_inflight(vu);
	vhost_user_lose(vu, vu->peer.socket.why);
	return err;
}

static int tell_inflight(struct vhost_user *vu)
{
	int err = 0;

	if (!peer_has(&vu->peer, VHOST_USER_PROTOCOL_INFLIGHT))
		return 0;
	if (vu->inflight < 0)
		err = get_inflight(vu);
	return err
		       ?: seat_set(vu, VHOST_USER_SET_INFLIGHT_FD, &vu->inflight_place,
				   sizeof(vu->inflight_place), &vu->inflight, 1);
}

static int tell_size(struct vhost_user *vu, const struct virtqueue *vq)
{
	int err = 0;

	if (vu->sizes[vq->index] != vq->state.size)
		err = seat_set_state(vu, VHOST_USER_SET_VRING_NUM, vq->index, vq->state.size);
	vu->sizes[vq->index] = vq->state.size;
	return err;
}

static int tell_status(struct vhost_user *vu, u8 status)
{
	return peer_has(&vu->peer, VHOST_USER_PROTOCOL_STATUS)
		       ? seat_set_number(vu, VHOST_USER_SET_STATUS, status)
		       : 0;
}

/* All that goes before queues: some back ends want to know how many there are when the first one comes. */
static int seat_activate(struct vhost_user *vu)
{
	struct virtio_device *dev = vu->dev;
	u64 features =
		(dev->state.features | BIT(VHOST_USER_F_PROTOCOL_FEATURES)) & vu->peer.features;
	const u8 early = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
	int err = tell_status(vu, early);

	if (!err)
		err = seat_set_number(vu, VHOST_USER_SET_FEATURES, features);
	if (!err)
		err = tell_status(vu, early | VIRTIO_CONFIG_S_FEATURES_OK);
	if (!err)
		err = tell_memory(vu);
	if (!err)
		err = tell_inflight(vu);
	for (unsigned i = 0; i < dev->nr_queues && !err; i++)
		if (dev->queues[i].vq.state.enabled)
			err = tell_size(vu, &dev->queues[i].vq);
	if (!err)
		err = tell_status(vu,
				  early | VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
	vu->activated = !err;
	return err;
}

int vhost_user_activate(struct vhost_user *vu)
{
	int err = vu->lost ? -ENOTCONN : seat_activate(vu);

	/* The next one hears of it. */
	if (!err || vu->want.resumes)
		return 0;
	virtio_fail(vu->dev, "its back end (%s) is not there", vhost_user_where(vu));
	return err;
}

void vhost_user_reset(struct vhost_user *vu)
{
	if (vu->activated && !vu->lost) {
		if (peer_has(&vu->peer, VHOST_USER_PROTOCOL_RESET_DEVICE))
			seat_set(vu, VHOST_USER_RESET_DEVICE, NULL, 0, NULL, 0);
		tell_status(vu, 0);
	}
	vu->activated = false;
	memset(vu->sizes, 0, sizeof(vu->sizes));
	/* No news of the next driver's queues. */
	if (vu->broken.fd >= 0)
		eventfd_drain(vu->broken.fd);
	/* What is in the log was asked by a driver that is gone. */
	drop_inflight(vu);
}

/* ---- queues ---- */

static int ring_fd(struct vhost_user *vu, enum vhost_user_request request, u64 index, int fd)
{
	return seat_set(vu, request, &index, sizeof(index), &fd, 1);
}

/* Where its peer was, as far as the guest can tell. */
static u16 used_index(const struct virtqueue *vq)
{
	return vq->used ? le16toh(__atomic_load_n(&vq->used->idx, __ATOMIC_ACQUIRE)) : 0;
}

static int tell_queue(struct vhost_user *vu, struct virtio_queue_slot *slot)
{
	const struct virtqueue *vq = &slot->vq;
	const struct vhost_user_vring_addr addr = {
		.index = vq->index,
		.desc = (uintptr_t)vq->desc_ring,
		.used = (uintptr_t)vq->used,
		.avail = (uintptr_t)vq->avail,
	};
	int err = tell_size(vu, vq);

	/* Only ours is asked: of others nobody knows whether they mean the same by it. */
	if (!err && vu->broken.fd >= 0)
		err = ring_fd(vu, VHOST_USER_SET_VRING_ERR, vq->index, vu->broken.fd);
	if (!err)
		err = seat_set(vu, VHOST_USER_SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0);
	if (!err)
		err = seat_set_state(vu, VHOST_USER_SET_VRING_BASE, vq->index,
				     vq->state.next_avail);
	if (!err)
		err = ring_fd(vu, VHOST_USER_SET_VRING_CALL, vq->index,
			      vu->calls[vq->index].handler.fd);
	if (!err)
		err = ring_fd(vu, VHOST_USER_SET_VRING_KICK, vq->index, slot->kick_fd);
	/* Without protocol features it serves a queue from the first kick on. */
	if (!err && vu->peer.features & BIT(VHOST_USER_F_PROTOCOL_FEATURES))
		err = seat_set_state(vu, VHOST_USER_SET_VRING_ENABLE, vq->index, 1);
	return err;
}

static int seat_attach(struct virtio_queue_slot *slot)
{
	struct vhost_user *vu = vu_of(slot->vq.device);

	virtio_queue_set_call(slot, vu->calls[slot->vq.index].handler.fd);
	/* What cannot be told is told to the next one, or has broken the device. */
	if (!vu->lost)
		tell_queue(vu, slot);
	return 0;
}

/* 0: it is stopped, and the peer was at *base. */
static int stop_queue(struct vhost_user *vu, u32 index, u16 *base)
{
	struct vhost_user_vring_state state = { .index = index };
	char *why = vu->peer.socket.why;
	int err = vhost_user_get(&vu->peer.socket, VHOST_USER_GET_VRING_BASE, &state, sizeof(state),
				 sizeof(state), NULL);

	if (!err && (state.index != index || state.num > UINT16_MAX)) {
		snprintf(why, sizeof(vu->peer.socket.why),
			 "queue %u at %u is its answer to GET_VRING_BASE of queue %u", state.index,
			 state.num, index);
		err = -EPROTO;
	}
	*base = state.num;
	if (err)
		vhost_user_lose(vu, why);
	return err;
}

/* In this order: a queue that is disabled while it runs may drop requests. */
static void seat_detach(struct virtio_queue_slot *slot)
{
	struct vhost_user *vu = vu_of(slot->vq.device);
	struct virtqueue *vq = &slot->vq;
	u16 base;

	if (!vu->lost && !stop_queue(vu, vq->index, &base)) {
		if (vu->peer.features & BIT(VHOST_USER_F_PROTOCOL_FEATURES))
			seat_set_state(vu, VHOST_USER_SET_VRING_ENABLE, vq->index, 0);
	} else {
		base = used_index(vq);
	}
	vq->state.next_avail = base;
	vq->state.next_used = used_index(vq);
	virtio_queue_set_call(slot, -1);
}

static void seat_kick(struct virtio_queue_slot *slot)
{
	eventfd_poke(slot->kick_fd);
}

static const struct virtio_seat_ops seat_ops = {
	.attach = seat_attach,
	.detach = seat_detach,
	.kick = seat_kick,
};

/* ---- the loop's side ---- */

static void on_call(struct loop_fd *handler, u32 events)
{
	struct vhost_user_call *call = CONTAINER_OF(handler, struct vhost_user_call, handler);

	if (eventfd_drain(handler->fd))
		virtio_queue_interrupt(call->vu->dev, call->index);
}

static void on_broken(struct loop_fd *handler, u32 events)
{
	struct vhost_user *vu = CONTAINER_OF(handler, struct vhost_user, broken);

	if (eventfd_drain(handler->fd))
		virtio_break(vu->dev, "its process found a queue that makes no sense");
}

/* dev->lock held: queues that the device believes to be served are, by the new peer. */
void vhost_user_serve_again(struct vhost_user *vu)
{
	struct virtio_device *dev = vu->dev;
	int err = 0;

	if (!dev->state.active || !vu->want.resumes)
		return;
	err = seat_activate(vu);
	for (unsigned i = 0; i < dev->nr_queues && !err; i++) {
		struct virtio_queue_slot *slot = &dev->queues[i];

		if (!slot->attached)
			continue;
		/* With a log it finds out from that and this what was done. */
		slot->vq.state.next_avail = used_index(&slot->vq);
		err = tell_queue(vu, slot);
		/* The last one may have answered without saying so. */
		seat_kick(slot);
		eventfd_poke(vu->calls[i].handler.fd);
	}
}

/* ---- configuration space ---- */

u64 vhost_user_features(const struct vhost_user *vu)
{
	return vu->features & ~COMMON_FEATURES;
}

bool vhost_user_there(const struct vhost_user *vu)
{
	return !vu->lost;
}

unsigned vhost_user_queues(const struct vhost_user *vu)
{
	return MIN(vu->peer.queues, (u64)VIRTIO_MAX_QUEUES);
}

const u8 *vhost_user_config(struct vhost_user *vu)
{
	if (!vu->peer.has_config)
		return NULL;
	if (!vu->lost && atomic_exchange(&vu->config_stale, false) &&
	    vhost_user_read_config(&vu->peer, vu->want.config_size))
		vhost_user_lose(vu, vu->peer.socket.why);
	return vu->peer.config.bytes;
}

void vhost_user_config_write(struct vhost_user *vu, u32 offset, const u8 *data, u32 len)
{
	struct vhost_user_config config = { .offset = offset, .size = len };

	if (vu->lost || !vu->peer.has_config || len > sizeof(config.bytes))
		return;
	memcpy(config.bytes, data, len);
	seat_set(vu, VHOST_USER_SET_CONFIG, &config,
		 offsetof(struct vhost_user_config, bytes) + len, NULL, 0);
	vu->config_stale = true;
}

/* ---- life ---- */

int vhost_user_check(const struct vm_config *config, const char *option)
{
	if (config->transport != TRANSPORT_PCI_LEGACY && config->transport != TRANSPORT_MMIO_LEGACY)
		return 0;
	log_fatal(
		"--%s: other processes serve devices of virtio 1 only; leave out the legacy transport",
		option);
	return -EINVAL;
}

static struct vhost_user *vu_new(const struct vhost_user_want *want)
{
	struct vhost_user *vu = calloc(1, sizeof(*vu));

	if (!vu)
		return NULL;
	vu->want = *want;
	vu->inflight = -1;
	vhost_user_link_init(vu);
	vu->complaints = (struct log_limit)LOG_LIMIT(8);
	vu->broken = (struct loop_fd){ .fd = -1, .ready = on_broken };
	for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++)
		vu->calls[i] = (struct vhost_user_call){ .handler = { .fd = -1, .ready = on_call },
							 .vu = vu,
							 .index = i };
	vu->loop = loop_create(want->name);
	if (vu->loop)
		return vu;
	free(vu);
	return NULL;
}

int vhost_user_open(struct vhost_user **out, const struct vhost_user_want *want)
{
	struct vhost_user *vu = vu_new(want);
	int err;

	if (!vu) {
		if (!want->path)
			close(want->fd);
		return -ENOMEM;
	}
	err = vhost_user_link(vu);
	if (err) {
		vhost_user_close(vu);
		return err;
	}
	vu->features = vu->peer.features & (want->features | COMMON_FEATURES);
	*out = vu;
	return 0;
}

void vhost_user_close(struct vhost_user *vu)
{
	if (!vu)
		return;
	vhost_user_stop(vu);
	for (unsigned i = 0; i < VIRTIO_MAX_QUEUES; i++) {
		loop_fd_del(&vu->calls[i].handler);
		if (vu->calls[i].handler.fd >= 0)
			close(vu->calls[i].handler.fd);
	}
	loop_fd_del(&vu->broken);
	if (vu->broken.fd >= 0)
		close(vu->broken.fd);
	vhost_user_unlink(vu);
	drop_inflight(vu);
	loop_destroy(vu->loop);
	free(vu);
}

static int make_event(struct vhost_user *vu, struct loop_fd *handler)
{
	handler->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return handler->fd < 0 ? -errno : loop_fd_add(vu->loop, handler, EPOLLIN);
}

int vhost_user_serve(struct vhost_user *vu, struct virtio_device *dev, u64 own)
{
	int err = 0;

	vu->dev = dev;
	vu->seat.ops = &seat_ops;
	/* A queue is taken away by stopping it, which all back ends can. */
	vu->seat.features = vu->features | own | BIT(VIRTIO_F_RING_RESET);
	vu->seat.features &= ~BIT(VHOST_USER_F_PROTOCOL_FEATURES);
	virtio_set_seat(dev, &vu->seat);
	for (unsigned i = 0; i < dev->nr_queues && !err; i++)
		err = make_event(vu, &vu->calls[i].handler);
	if (!err && !vu->want.path)
		err = make_event(vu, &vu->broken);
	if (!err)
		err = vhost_user_watch(vu);
	if (!err)
		return 0;
	log_error("%s: %s", dev->device.name, strerror(-err));
	dev->ops->destroy(dev);
	return err;
}

int vhost_user_start(struct vhost_user *vu)
{
	int err = loop_start_thread(vu->loop);

	vu->running = !err;
	return err;
}

void vhost_user_stop(struct vhost_user *vu)
{
	if (!vu->running)
		return;
	vhost_user_end_meeting(vu);
	loop_stop_thread(vu->loop);
	vu->running = false;
}
