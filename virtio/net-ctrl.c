/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net's control queue (virtio 1.3, 5.1.6.5). A command is class, command, data, and one byte for
 * the answer. Whatever is not exactly as the specification has it is answered with an error.
 */
#include <errno.h>
#include <string.h>

#include "net.h"

/*
 * Commands before the loop gets to its other work. Some wait for locks of the host's network stack, and
 * a guest that sends nothing else must not keep lkvm from ending.
 */
#define NET_CTRL_BATCH 16

struct command {
	u8 class, cmd;
	const struct virtq_chain *chain;
	u32 len; /* of the data, which begins after class and command */
};

/* Copies the data when it has exactly this length. */
static bool ctrl_data(const struct command *command, void *dst, u32 len)
{
	return command->len == len &&
	       iov_read(command->chain->iov, command->chain->nr_out, 2, dst, len) == len;
}

/*
 * Every frame that comes is passed on, whatever the filters say: the specification lets a device
 * filter imperfectly, and a tap or libslirp brings little that is not for the guest.
 */
static bool receive_mode(const struct command *command)
{
	u8 on;

	return command->cmd <= VIRTIO_NET_CTRL_RX_ALLMULTI && ctrl_data(command, &on, sizeof(on));
}

/* Two tables, each a count and that many addresses. */
static bool mac_table(const struct virtio_device *dev, const struct command *command)
{
	u64 offset = 0;

	for (unsigned i = 0; i < 2; i++) {
		u32 entries;

		if (offset + sizeof(entries) > command->len)
			return false;
		iov_read(command->chain->iov, command->chain->nr_out, 2 + offset, &entries,
			 sizeof(entries));
		offset += sizeof(entries) + 6ULL * virtio32(dev, entries);
	}
	return offset == command->len;
}

static bool mac_address(struct virtio_net *net, const struct command *command)
{
	u8 mac[6];

	if (!ctrl_data(command, mac, sizeof(mac)))
		return false;
	net_set_mac(net, mac);
	return true;
}

static bool queue_pairs(struct virtio_net *net, const struct command *command)
{
	u16 pairs;

	if (command->cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET ||
	    !ctrl_data(command, &pairs, sizeof(pairs)))
		return false;
	pairs = virtio16(&net->dev, pairs);
	if (!pairs || pairs > net->used_pairs)
		return false;
	return net_set_pairs(net, pairs) == 0;
}

static bool guest_offloads(struct virtio_net *net, const struct command *command)
{
	u64 offloads;

	if (command->cmd != VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET ||
	    !ctrl_data(command, &offloads, sizeof(offloads)))
		return false;
	offloads = virtio64(&net->dev, offloads);
	if (offloads & ~(net->dev.state.features & NET_GUEST_OFFLOADS))
		return false;
	return net_set_offload(net, offloads) == 0;
}

static bool run_command(struct virtio_net *net, const struct command *command)
{
	struct virtio_device *dev = &net->dev;

	switch (command->class) {
	case VIRTIO_NET_CTRL_RX:
		return virtio_has_feature(dev, VIRTIO_NET_F_CTRL_RX) && receive_mode(command);
	case VIRTIO_NET_CTRL_MAC:
		if (command->cmd == VIRTIO_NET_CTRL_MAC_TABLE_SET)
			return virtio_has_feature(dev, VIRTIO_NET_F_CTRL_RX) &&
			       mac_table(dev, command);
		return command->cmd == VIRTIO_NET_CTRL_MAC_ADDR_SET &&
		       virtio_has_feature(dev, VIRTIO_NET_F_CTRL_MAC_ADDR) &&
		       mac_address(net, command);
	case VIRTIO_NET_CTRL_MQ:
		return virtio_has_feature(dev, VIRTIO_NET_F_MQ) && queue_pairs(net, command);
	case VIRTIO_NET_CTRL_GUEST_OFFLOADS:
		return virtio_has_feature(dev, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) &&
		       guest_offloads(net, command);
	default:
		return false;
	}
}

static u8 net_ctrl_answer(struct virtio_net *net, const struct virtq_chain *chain)
{
	u8 header[2];
	struct command command = { .chain = chain };

	if (iov_read(chain->iov, chain->nr_out, 0, header, sizeof(header)) != sizeof(header))
		return VIRTIO_NET_ERR;
	command.class = header[0];
	command.cmd = header[1];
	command.len = chain->out_len - sizeof(header);
	return run_command(net, &command) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
}

/* 1: a command was answered; 0: there is none; -errno: the queue broke. */
static int run_one(struct virtio_net *net, struct virtqueue *vq)
{
	struct virtq_chain chain = { .iov = net->ctrl_iov, .iov_max = NET_QUEUE_SIZE };
	int ret = virtqueue_pop(vq, &chain);
	u8 ack;

	if (ret <= 0)
		return ret;
	if (!chain.in_len) {
		virtqueue_break(vq, "a command without space for the answer");
		return -EINVAL;
	}
	ack = net_ctrl_answer(net, &chain);
	iov_write(chain.iov + chain.nr_out, chain.nr_in, 0, &ack, sizeof(ack));
	virtqueue_push(vq, chain.head, sizeof(ack));
	return 1;
}

void net_ctrl_run(struct virtio_net *net, struct virtqueue *vq)
{
	unsigned n = 0;
	int ret = 0;

	do {
		virtqueue_kick_off(vq);
		while (n < NET_CTRL_BATCH && (ret = run_one(net, vq)) > 0)
			n++;
	} while (!ret && virtqueue_kick_on(vq));
	virtqueue_signal(vq);
	if (ret > 0)
		virtio_queue_kick(&net->dev, vq->index);
}
