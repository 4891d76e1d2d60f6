// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio-vsock in the process (virtio 1.3, 5.10): the guest's AF_VSOCK sockets, connected to Unix sockets of the host's. The device here is its
 * queues; connections are in vsock-connection.c. One loop, with a thread of its own, serves both.
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "lkvm/virtio/core.h"
#include "lkvm/vm/vm.h"
#include "vsock.h"

#define VSOCK_RX    0
#define VSOCK_TX    1
#define VSOCK_EVENT 2
#define VSOCK_QUEUE 256
/* Descriptors that the rest of lkvm may need beside connections. */
#define VSOCK_SPARE 512

struct virtio_vsock {
	struct virtio_device dev;
	struct loop *loop; /* constant, as the next */
	struct vsock_host *host;
	struct vsock_hub hub;	       /* the loop, as the rest */
	struct iovec iov[VSOCK_QUEUE]; /* of one packet */
	bool busy;		       /* the queues are being served anyway */
	bool tx_waits;		       /* until refusals are delivered */
	bool event_due;		       /* the guest is to hear of a reset */
};

static struct virtio_vsock *to_vsock(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct virtio_vsock, dev);
}

/* ---- queues ---- */

static void vsock_rx_run(struct virtio_vsock *vsock)
{
	struct virtqueue *vq = &vsock->dev.queues[VSOCK_RX].vq;
	struct virtq_chain chain = { .iov = vsock->iov, .iov_max = ARRAY_SIZE(vsock->iov) };
	u32 len;

	do {
		virtqueue_kick_off(vq);
		while (vsock_hub_pending(&vsock->hub) && virtqueue_pop(vq, &chain) > 0) {
			if (chain.nr_out || chain.in_len <= VSOCK_HDR_LEN) {
				virtqueue_break(vq, "a receive buffer of %u bytes", chain.in_len);
				return;
			}
			len = vsock_hub_fill(&vsock->hub, chain.iov, chain.nr_in, chain.in_len);
			if (len)
				virtqueue_push(vq, chain.head, len);
			else
				virtqueue_unpop(vq, chain.head);
		}
		/* Without a packet new buffers are of no interest. */
	} while (vsock_hub_pending(&vsock->hub) && virtqueue_kick_on(vq));
	virtqueue_signal(vq);
}

static void vsock_tx_run(struct virtio_vsock *vsock)
{
	struct virtqueue *vq = &vsock->dev.queues[VSOCK_TX].vq;
	struct virtq_chain chain = { .iov = vsock->iov, .iov_max = ARRAY_SIZE(vsock->iov) };

	do {
		virtqueue_kick_off(vq);
		while (!vsock_hub_full(&vsock->hub) && virtqueue_pop(vq, &chain) > 0) {
			if (chain.nr_in) {
				virtqueue_break(vq, "a packet with %u bytes to write",
						chain.in_len);
				return;
			}
			vsock_hub_packet(&vsock->hub, chain.iov, chain.nr_out, chain.out_len);
			virtqueue_push(vq, chain.head, 0);
		}
	} while (!vsock_hub_full(&vsock->hub) && virtqueue_kick_on(vq));
	vsock->tx_waits = vsock_hub_full(&vsock->hub);
	virtqueue_signal(vq);
}

static void vsock_event_run(struct virtio_vsock *vsock)
{
	const struct virtio_vsock_event event = { htole32(VIRTIO_VSOCK_EVENT_TRANSPORT_RESET) };
	struct virtqueue *vq = &vsock->dev.queues[VSOCK_EVENT].vq;
	struct virtq_chain chain = { .iov = vsock->iov, .iov_max = ARRAY_SIZE(vsock->iov) };
	u32 len;

	if (!vsock->event_due || virtqueue_pop(vq, &chain) <= 0)
		return;
	len = iov_write(chain.iov + chain.nr_out, chain.nr_in, 0, &event, sizeof(event));
	virtqueue_push(vq, chain.head, len);
	virtqueue_signal(vq);
	vsock->event_due = false;
}

static void vsock_notify(struct virtio_device *dev, struct virtqueue *vq)
{
	struct virtio_vsock *vsock = to_vsock(dev);

	if (dev->state.needs_reset)
		return;
	vsock->hub.active = vsock->hub.running = true;
	vsock->busy = true;
	if (vq->index == VSOCK_EVENT)
		vsock_event_run(vsock);
	if (vq->index == VSOCK_TX)
		vsock_tx_run(vsock);
	vsock_rx_run(vsock);
	if (vsock->tx_waits && !vsock_hub_full(&vsock->hub)) {
		vsock->tx_waits = false;
		virtio_queue_kick(dev, VSOCK_TX);
	}
	vsock->busy = false;
}

/* ---- what connections ask for ---- */

static struct virtio_vsock *hub_to_vsock(struct vsock_hub *hub)
{
	return CONTAINER_OF(hub, struct virtio_vsock, hub);
}

static void vsock_wake(struct vsock_hub *hub)
{
	struct virtio_vsock *vsock = hub_to_vsock(hub);

	if (!vsock->busy)
		virtio_queue_kick(&vsock->dev, VSOCK_RX);
}

static int vsock_dial(struct vsock_hub *hub, u32 id, u32 port, u16 type)
{
	return vsock_host_dial(hub_to_vsock(hub)->host, id, port, type);
}

static void vsock_room(struct vsock_hub *hub)
{
	vsock_host_room(hub_to_vsock(hub)->host);
}

static const struct vsock_hub_ops vsock_hub_ops = {
	.wake = vsock_wake,
	.dial = vsock_dial,
	.room = vsock_room,
};

/* ---- life cycle ---- */

static void vsock_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len)
{
	struct virtio_vsock_config config = { virtio64(dev, to_vsock(dev)->hub.guest_cid) };

	memcpy(data, (u8 *)&config + offset, len);
}

static void vsock_halt(void *arg)
{
	((struct virtio_vsock *)arg)->hub.running = false;
}

/* Sockets go on meanwhile; what comes of them waits. */
static void vsock_quiesce(struct virtio_device *dev)
{
	loop_call(to_vsock(dev)->loop, vsock_halt, to_vsock(dev));
}

static void vsock_forget(void *arg)
{
	struct virtio_vsock *vsock = arg;

	vsock->hub.active = vsock->hub.running = false;
	vsock->tx_waits = vsock->event_due = false;
	vsock_hub_reset(&vsock->hub);
}

static void vsock_reset(struct virtio_device *dev)
{
	loop_call(to_vsock(dev)->loop, vsock_forget, to_vsock(dev));
}

static int vsock_start(struct virtio_device *dev)
{
	struct virtio_vsock *vsock = to_vsock(dev);

	return vsock_host_start(vsock->host, &vsock->hub) ?: loop_start_thread(vsock->loop);
}

static void vsock_stop(struct virtio_device *dev)
{
	loop_stop_thread(to_vsock(dev)->loop);
}

static void vsock_destroy(struct virtio_device *dev)
{
	struct virtio_vsock *vsock = to_vsock(dev);

	loop_stop_thread(vsock->loop);
	vsock_hub_exit(&vsock->hub);
	vsock_host_close(vsock->host);
	virtio_exit(dev);
	loop_destroy(vsock->loop);
	free(vsock);
}

static const struct virtio_device_ops vsock_ops = {
	.name = "virtio-vsock",
	.type = VIRTIO_ID_VSOCK,
	.pci_class = 0x078000,
	.config_size = sizeof(struct virtio_vsock_config),
	.queue_size = VSOCK_QUEUE,
	.config_read = vsock_config_read,
	.notify = vsock_notify,
	.quiesce = vsock_quiesce,
	.reset = vsock_reset,
	.start = vsock_start,
	.stop = vsock_stop,
	.destroy = vsock_destroy,
};

/* Each connection is a descriptor, and the rest of lkvm needs some, too. Most users have fewer than they may have. */
static unsigned vsock_limit(void)
{
	const rlim_t want = VSOCK_MAX + VSOCK_SPARE;
	struct rlimit limit = { want, want };

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < want) {
		limit.rlim_cur = MIN(want, limit.rlim_max);
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur < want ? limit.rlim_cur / 2 : VSOCK_MAX;
}

int vsock_device_create(struct vm *vm, struct vsock_host *host, u32 cid)
{
	struct virtio_vsock *vsock = calloc(1, sizeof(*vsock));
	int err;

	if (!vsock) {
		vsock_host_close(host);
		return -ENOMEM;
	}
	vsock->host = host;
	vsock->loop = loop_create("vsock");
	if (!vsock->loop) {
		err = -errno;
		vsock_host_close(host);
		free(vsock);
		return err;
	}
	vsock->hub.ops = &vsock_hub_ops;
	vsock->hub.loop = vsock->loop;
	vsock->hub.guest_cid = cid;
	vsock->hub.max = vsock_limit();
	vsock_hub_init(&vsock->hub);
	err = virtio_init(&vsock->dev, &vsock_ops, vm, vsock->loop, BIT(VIRTIO_VSOCK_F_SEQPACKET),
			  3);
	return err ?: virtio_attach(&vsock->dev, vm);
}

void vsock_device_stat(struct device *device, json_t *part)
{
	struct virtio_device *dev = CONTAINER_OF(device, struct virtio_device, device);
	const struct virtio_vsock *vsock = to_vsock(dev);

	if (dev->ops != &vsock_ops)
		return;
	json_object_set_new(part, "cid", json_integer(vsock->hub.guest_cid));
	json_object_set_new(part, "connections", json_integer(vsock->hub.nr));
	json_object_set_new(part, "sent_bytes", json_integer(vsock->hub.sent));
	json_object_set_new(part, "received_bytes", json_integer(vsock->hub.received));
}
