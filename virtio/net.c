/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net (virtio 1.3, 5.1): the device, its life, its configuration space and its transmit side.
 *
 * Each queue pair has an I/O thread of its own, which serves the pair's two queues and its end of the
 * back end, so nothing in the path of a frame is locked. The control queue is served by the first
 * pair's thread.
 */
#include <byteswap.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/memory/guard.h"
#include "lkvm/vm/vm.h"
#include "net.h"

static struct virtio_net *to_net(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct virtio_net, dev);
}

void net_pair_watch(struct net_pair *pair)
{
	struct net_backend *backend = pair->net->backend;
	bool broken = pair->net->dev.state.needs_reset;

	backend->ops->watch(backend, pair->index,
			    pair->rx_live && pair->active && !pair->rx_starved && !broken,
			    pair->tx_blocked && !broken);
}

/* ---- transmit ---- */

void net_convert_header(const struct virtio_net *net, struct virtio_net_hdr_v1 *header)
{
	if (!net->dev.state.big_endian)
		return;
	header->hdr_len = bswap_16(header->hdr_len);
	header->gso_size = bswap_16(header->gso_size);
	header->csum_start = bswap_16(header->csum_start);
	header->csum_offset = bswap_16(header->csum_offset);
	header->num_buffers = bswap_16(header->num_buffers);
}

/* The frame behind a header of ours: tx_iov's first entry is in front of the chain's. */
static int net_transmit_converted(struct net_pair *pair, const struct virtq_chain *chain,
				  size_t len)
{
	struct net_backend *backend = pair->net->backend;
	struct virtio_net_hdr_v1 header = { 0 };
	u32 header_len = pair->net->header_len;
	unsigned nr = chain->nr_out;
	struct iovec *iov;

	iov_read(chain->iov, nr, 0, &header, header_len);
	net_convert_header(pair->net, &header);
	iov = iov_skip(chain->iov, &nr, header_len) - 1;
	iov->iov_base = &header;
	iov->iov_len = sizeof(header);
	return backend->ops->transmit(backend, pair->index, iov, nr + 1,
				      len - header_len + sizeof(header));
}

/* 0 or an error: the chain is done with. -EAGAIN: it must be tried again later. */
static int net_transmit(struct net_pair *pair, const struct virtq_chain *chain)
{
	struct net_backend *backend = pair->net->backend;
	u32 header_len = pair->net->header_len;
	size_t len = chain->out_len;
	int err;

	if (len == header_len || len > header_len + NET_MAX_FRAME)
		err = -EMSGSIZE;
	else if (pair->net->convert)
		err = net_transmit_converted(pair, chain, len);
	else
		err = backend->ops->transmit(backend, pair->index, chain->iov, chain->nr_out, len);
	if (err == -EFAULT)
		memory_guard_check_iov(chain->iov, chain->nr_out);
	if (!err)
		pair->tx_frames++;
	else if (err != -EAGAIN)
		pair->tx_dropped++;
	return err;
}

/* 1: a frame was taken care of; 0: nothing more now; -errno: the queue broke. */
static int net_transmit_one(struct net_pair *pair)
{
	struct virtq_chain chain = { .iov = pair->tx_iov + 1, .iov_max = NET_QUEUE_SIZE };
	int ret = virtqueue_pop(pair->tx, &chain);

	if (ret <= 0)
		return ret;
	if (chain.nr_in || chain.out_len < pair->net->header_len) {
		virtqueue_break(pair->tx, "a transmit buffer of %u bytes, %u of them to be written",
				chain.in_len + chain.out_len, chain.in_len);
		return -EINVAL;
	}
	if (net_transmit(pair, &chain) == -EAGAIN) {
		virtqueue_unpop(pair->tx, chain.head);
		pair->tx_blocked = true;
		return 0;
	}
	virtqueue_push(pair->tx, chain.head, 0);
	return 1;
}

static void tx_run(struct net_pair *pair)
{
	struct net_backend *backend = pair->net->backend;
	unsigned n = 0;
	int ret = 0;

	if (!pair->active || pair->tx_blocked)
		return;
	do {
		virtqueue_kick_off(pair->tx);
		while (n < NET_BATCH && (ret = net_transmit_one(pair)) > 0)
			n++;
	} while (!ret && !pair->tx_blocked && virtqueue_kick_on(pair->tx));
	virtqueue_signal(pair->tx);
	if (ret > 0)
		virtio_queue_kick(&pair->net->dev, pair->tx->index);
	if (pair->tx_blocked)
		net_pair_watch(pair);
	if (n && backend->ops->flush)
		backend->ops->flush(backend, pair->index);
}

/* ---- what the back end calls ---- */

static void net_incoming(void *opaque, unsigned pair)
{
	net_rx_run(&((struct virtio_net *)opaque)->pairs[pair]);
}

static void net_writable(void *opaque, unsigned index)
{
	struct net_pair *pair = &((struct virtio_net *)opaque)->pairs[index];

	pair->tx_blocked = false;
	net_pair_watch(pair);
	if (!pair->net->dev.state.needs_reset)
		tx_run(pair);
}

static void net_link_changed(void *opaque, bool up)
{
	struct virtio_net *net = opaque;

	net->state.link_up = up;
	virtio_config_changed(&net->dev);
}

/* ---- pairs and offloads ---- */

static void pair_activate(void *arg)
{
	struct net_pair *pair = arg;

	pair->active = true;
	virtio_queue_kick(&pair->net->dev, pair->rx->index);
	virtio_queue_kick(&pair->net->dev, pair->tx->index);
}

static void pair_deactivate(void *arg)
{
	struct net_pair *pair = arg;

	pair->active = false;
	pair->tx_blocked = false;
	loop_timer_cancel(&pair->short_timer);
	net_pair_watch(pair);
}

/*
 * A pair rests before its back end is taken from it and starts after it was given it, so that no
 * thread ever sees a back end that is not there.
 */
int net_set_pairs(struct virtio_net *net, unsigned n)
{
	struct net_backend *backend = net->backend;
	int err = 0;

	for (unsigned i = n; i < net->state.active_pairs; i++)
		loop_call(net->pairs[i].loop, pair_deactivate, &net->pairs[i]);
	if (backend->ops->set_pairs)
		err = backend->ops->set_pairs(backend, n);
	if (err) {
		/* Frames for a queue that got its end of the back end, and no reader, would be lost. */
		n = MIN(n, net->state.active_pairs);
		backend->ops->set_pairs(backend, n);
	}
	for (unsigned i = net->state.active_pairs; i < n; i++)
		loop_call(net->pairs[i].loop, pair_activate, &net->pairs[i]);
	net->state.active_pairs = n;
	return err;
}

int net_set_offload(struct virtio_net *net, u64 offloads)
{
	struct net_backend *backend = net->backend;
	int err = backend->ops->set_offload(backend, offloads);

	if (err)
		return err;
	net->state.offloads = offloads;
	net->rx_need =
		net->header_len +
		(offloads & NET_GUEST_SEGMENTATION ? NET_MAX_FRAME : backend->mtu + NET_L2_LEN);
	return 0;
}

/* ---- configuration space ---- */

void net_set_mac(struct virtio_net *net, const u8 mac[6])
{
	le64 value = 0;

	memcpy(&value, mac, 6);
	net->state.mac = le64toh(value);
}

static void net_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len)
{
	struct virtio_net *net = to_net(dev);
	struct virtio_net_config config = {
		.status = virtio16(dev, net->state.link_up ? VIRTIO_NET_S_LINK_UP : 0),
		.max_virtqueue_pairs = virtio16(dev, net->max_pairs),
		.mtu = virtio16(dev, net->backend->mtu),
	};
	le64 mac = htole64(net->state.mac);

	memcpy(config.mac, &mac, sizeof(config.mac));
	memcpy(data, (u8 *)&config + offset, len);
}

/* Legacy drivers set the address here, byte by byte (virtio 1.3, 5.1.4.1). */
static void net_config_write(struct virtio_device *dev, u32 offset, const u8 *data, u32 len)
{
	struct virtio_net *net = to_net(dev);
	le64 mac = htole64(net->state.mac);

	if (!dev->legacy || offset >= 6)
		return;
	memcpy((u8 *)&mac + offset, data, MIN(len, 6 - offset));
	net->state.mac = le64toh(mac);
}

static u64 net_offered(const struct net_backend *backend)
{
	u64 features = backend->features | BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_STATUS) |
		       BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_CTRL_VQ) |
		       BIT(VIRTIO_NET_F_CTRL_RX) | BIT(VIRTIO_NET_F_CTRL_MAC_ADDR);

	if (backend->features & NET_GUEST_OFFLOADS)
		features |= BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS);
	if (backend->pairs > 1)
		features |= BIT(VIRTIO_NET_F_MQ);
	/* A driver that is told keeps its MTU at or below it; 1500 is what it assumes anyway. */
	if (backend->mtu != NET_DEFAULT_MTU)
		features |= BIT(VIRTIO_NET_F_MTU);
	return features;
}

/* ---- life cycle ---- */

/* Without MQ the control queue is the third, however many there are (virtio 1.3, 5.1.2). */
static int net_activate(struct virtio_device *dev)
{
	struct virtio_net *net = to_net(dev);

	net->used_pairs = virtio_has_feature(dev, VIRTIO_NET_F_MQ) ? net->max_pairs : 1;
	net->ctrl_index = 2 * net->used_pairs;
	net->merge = virtio_has_feature(dev, VIRTIO_NET_F_MRG_RXBUF);
	net->header_len = dev->legacy && !net->merge ? NET_SHORT_HDR_LEN : NET_HDR_LEN;
	net->convert = net->header_len != NET_HDR_LEN || dev->state.big_endian;
	for (unsigned i = 0; i < dev->nr_queues; i++)
		dev->queues[i].loop =
			i < net->ctrl_index ? net->pairs[i / 2].loop : net->pairs[0].loop;
	net->pairs[0].active = true;
	net->state.active_pairs = 1;
	return net_set_offload(net, dev->state.features & NET_GUEST_OFFLOADS);
}

static void net_notify(struct virtio_device *dev, struct virtqueue *vq)
{
	struct virtio_net *net = to_net(dev);
	struct net_pair *pair;

	if (vq->index == net->ctrl_index) {
		if (virtio_has_feature(dev, VIRTIO_NET_F_CTRL_VQ))
			net_ctrl_run(net, vq);
		return;
	}
	/* Queues that only drivers with MQ know. */
	if (vq->index > net->ctrl_index)
		return;
	pair = &net->pairs[vq->index / 2];
	if (vq == pair->tx) {
		tx_run(pair);
		return;
	}
	pair->rx_live = true;
	net_rx_run(pair);
}

static void pair_quiesce(void *arg)
{
	struct net_pair *pair = arg;

	pair->rx_live = false;
	pair->tx_blocked = false;
	net_rx_give_back(pair);
	net_pair_watch(pair);
}

/*
 * Frames are never half done between two handlers: one is either still the back end's or already
 * the driver's. Each queue's notify comes when the device is resumed.
 */
static void net_quiesce(struct virtio_device *dev)
{
	struct virtio_net *net = to_net(dev);

	for (unsigned i = 0; i < net->max_pairs; i++)
		loop_call(net->pairs[i].loop, pair_quiesce, &net->pairs[i]);
}

static void net_reset(struct virtio_device *dev)
{
	struct virtio_net *net = to_net(dev);
	struct net_backend *backend = net->backend;

	for (unsigned i = 0; i < net->max_pairs; i++) {
		net->pairs[i].active = false;
		net->pairs[i].rx_starved = false;
	}
	net->state.active_pairs = 0;
	net_set_mac(net, net->default_mac);
	/* What the interface was left with by a driver that crashed would confuse the next one. */
	if (backend->ops->set_pairs)
		backend->ops->set_pairs(backend, 1);
	backend->ops->set_offload(backend, 0);
}

static int net_start(struct virtio_device *dev)
{
	struct virtio_net *net = to_net(dev);
	struct loop *loops[NET_MAX_PAIRS];
	int err;

	for (unsigned i = 0; i < net->max_pairs; i++)
		loops[i] = net->pairs[i].loop;
	err = net->backend->ops->start(net->backend, loops);
	for (unsigned i = 0; !err && i < net->max_pairs; i++)
		err = loop_start_thread(net->pairs[i].loop);
	return err;
}

static void net_destroy(struct virtio_device *dev)
{
	struct virtio_net *net = to_net(dev);
	struct net_backend *backend = net->backend;

	for (unsigned i = 0; i < net->max_pairs; i++)
		loop_stop_thread(net->pairs[i].loop);
	backend->ops->stop(backend);
	for (unsigned i = 0; i < net->max_pairs; i++) {
		const struct net_pair *pair = &net->pairs[i];

		log_debug("%s: queue pair %u: received %llu frames, dropped %llu; sent %llu, "
			  "dropped %llu",
			  dev->device.name, i, (unsigned long long)pair->rx_frames,
			  (unsigned long long)pair->rx_dropped, (unsigned long long)pair->tx_frames,
			  (unsigned long long)pair->tx_dropped);
	}
	virtio_exit(dev);
	backend->ops->destroy(backend);
	for (unsigned i = 0; i < net->max_pairs; i++) {
		loop_destroy(net->pairs[i].loop);
		free(net->pairs[i].overflow);
	}
	free(net->pairs);
	free(net);
}

static const struct virtio_device_ops net_ops = {
	.name = "virtio-net",
	.type = 1,
	.pci_class = 0x020000,
	.config_size = offsetof(struct virtio_net_config, speed),
	.queue_size = NET_QUEUE_SIZE,
	.config_read = net_config_read,
	.config_write = net_config_write,
	.activate = net_activate,
	.notify = net_notify,
	.quiesce = net_quiesce,
	.reset = net_reset,
	.start = net_start,
	.destroy = net_destroy,
};

static int make_pair(struct virtio_net *net, unsigned i, unsigned device)
{
	struct net_pair *pair = &net->pairs[i];
	char name[16];

	snprintf(name, sizeof(name), i ? "net%u.%u" : "net%u", device, i);
	pair->loop = loop_create(name);
	if (!pair->loop)
		return -errno;
	net->max_pairs++;
	pair->net = net;
	pair->index = i;
	pair->short_timer.expired = net_rx_short_expired;
	pair->overflow = malloc(NET_OVERFLOW);
	return pair->overflow ? 0 : -ENOMEM;
}

static int make_pairs(struct virtio_net *net, unsigned device)
{
	int err = 0;

	net->pairs = calloc(net->backend->pairs, sizeof(*net->pairs));
	if (!net->pairs)
		return -ENOMEM;
	for (unsigned i = 0; i < net->backend->pairs && !err; i++)
		err = make_pair(net, i, device);
	return err;
}

struct virtio_net *net_device_new(struct vm *vm, struct net_backend *backend, const u8 mac[6],
				  unsigned index)
{
	struct virtio_net *net = calloc(1, sizeof(*net));
	int err;

	if (!net) {
		backend->ops->destroy(backend);
		return NULL;
	}
	net->backend = backend;
	memcpy(net->default_mac, mac, 6);
	net_set_mac(net, mac);
	net->state.link_up = true;
	backend->opaque = net;
	backend->incoming = net_incoming;
	backend->writable = net_writable;
	backend->link_changed = net_link_changed;
	err = make_pairs(net, index);
	if (err) {
		log_error("virtio-net%u: %s", index, strerror(-err));
		net_destroy(&net->dev);
		return NULL;
	}
	/* The control queue is the last, or the third: it depends on the driver. */
	if (virtio_init(&net->dev, &net_ops, vm, vm->loop, net_offered(backend),
			2 * net->max_pairs + 1))
		return NULL;
	snprintf(net->dev.device.name, sizeof(net->dev.device.name), "virtio-net%u", index);
	for (unsigned i = 0; i < net->max_pairs; i++) {
		net->pairs[i].rx = &net->dev.queues[2 * i].vq;
		net->pairs[i].tx = &net->dev.queues[2 * i + 1].vq;
	}
	return net;
}

int virtio_net_create(struct vm *vm, const struct net_config *config, unsigned index,
		      struct net_backend *backend)
{
	struct virtio_net *net;
	u8 mac[6];
	int err;

	err = backend->ops->up ? backend->ops->up(backend) : 0;
	if (err) {
		backend->ops->destroy(backend);
		return err;
	}
	net_mac(config, vm->config->name, index, mac);
	net = net_device_new(vm, backend, mac, index);
	return net ? virtio_attach(&net->dev, vm) : -ENOMEM;
}
