// SPDX-License-Identifier: GPL-2.0-or-later
/* Meeting a back end: what it is, what it has, and whether that is enough. Nothing of a guest is needed. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "vhost-user-private.h"

static u64 protocol_wanted(const struct vhost_user_want *want)
{
	u64 wanted = BIT(VHOST_USER_PROTOCOL_MQ) | BIT(VHOST_USER_PROTOCOL_REPLY_ACK) |
		     BIT(VHOST_USER_PROTOCOL_RESET_DEVICE) | BIT(VHOST_USER_PROTOCOL_MEM_SLOTS) |
		     BIT(VHOST_USER_PROTOCOL_STATUS);

	if (want->config_size)
		wanted |= BIT(VHOST_USER_PROTOCOL_CONFIG) | BIT(VHOST_USER_PROTOCOL_BACKEND_REQ);
	if (want->resumes)
		wanted |= BIT(VHOST_USER_PROTOCOL_INFLIGHT);
	return wanted;
}

static int meet_protocol(struct vhost_user_peer *peer, const struct vhost_user_want *want)
{
	struct vhost_user_socket *socket = &peer->socket;
	int err;

	if (!(peer->features & BIT(VHOST_USER_F_PROTOCOL_FEATURES)))
		return 0;
	err = vhost_user_get_u64(socket, VHOST_USER_GET_PROTOCOL_FEATURES, &peer->protocol);
	if (err)
		return err;
	peer->protocol &= protocol_wanted(want);
	err = vhost_user_set(socket, VHOST_USER_SET_PROTOCOL_FEATURES, &peer->protocol,
			     sizeof(peer->protocol), NULL, 0);
	socket->ack = peer_has(peer, VHOST_USER_PROTOCOL_REPLY_ACK);
	return err;
}

/* Its numbers, where it tells them. */
static int meet_numbers(struct vhost_user_peer *peer, const struct vhost_user_want *want)
{
	struct vhost_user_socket *socket = &peer->socket;
	int err = 0;

	peer->slots = VHOST_USER_MAX_REGIONS;
	if (peer_has(peer, VHOST_USER_PROTOCOL_MQ))
		err = vhost_user_get_u64(socket, VHOST_USER_GET_QUEUE_NUM, &peer->queues);
	if (!err && peer_has(peer, VHOST_USER_PROTOCOL_MEM_SLOTS))
		err = vhost_user_get_u64(socket, VHOST_USER_GET_MAX_MEM_SLOTS, &peer->slots);
	return err;
}

int vhost_user_read_config(struct vhost_user_peer *peer, u32 size)
{
	struct vhost_user_config config = { .size = size };
	u32 bytes = offsetof(struct vhost_user_config, bytes) + size;
	int err = vhost_user_get(&peer->socket, VHOST_USER_GET_CONFIG, &config, bytes, bytes, NULL);

	if (err)
		return err;
	if (config.offset || config.size != size) {
		snprintf(peer->socket.why, sizeof(peer->socket.why),
			 "%u bytes from %u are its answer to GET_CONFIG", config.size,
			 config.offset);
		return -EPROTO;
	}
	peer->config = config;
	return 0;
}

static int meet_config(struct vhost_user_peer *peer, const struct vhost_user_want *want)
{
	int ends[2], err;

	if (!want->config_size || !peer_has(peer, VHOST_USER_PROTOCOL_CONFIG))
		return 0;
	peer->has_config = true;
	err = vhost_user_read_config(peer, want->config_size);
	if (err || !peer_has(peer, VHOST_USER_PROTOCOL_BACKEND_REQ))
		return err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	peer->channel = ends[0];
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	err = vhost_user_set(&peer->socket, VHOST_USER_SET_BACKEND_REQ_FD, NULL, 0, &ends[1], 1);
	close(ends[1]);
	return err;
}

static int peer_fits(struct vhost_user_peer *peer, const struct vhost_user_want *want)
{
	char *why = peer->socket.why;
	size_t size = sizeof(peer->socket.why);

	if (!(peer->features & BIT(VIRTIO_F_VERSION_1)))
		snprintf(why, size, "it does not know virtio 1 (features 0x%llx)",
			 (unsigned long long)peer->features);
	else if (want->config_needed && !peer->has_config)
		snprintf(why, size,
			 "it does not tell its configuration (protocol features 0x%llx): it is "
			 "of another kind of device",
			 (unsigned long long)peer->protocol);
	else if (peer->queues && peer->queues < want->queues)
		snprintf(why, size, "it serves %llu queues, and this takes %u",
			 (unsigned long long)peer->queues, want->queues);
	else
		return 0;
	return -EPROTO;
}

int vhost_user_meet(struct vhost_user_peer *peer, const struct vhost_user_want *want, int fd)
{
	int err;

	*peer = (struct vhost_user_peer){
		.socket = { .fd = fd, .patience = want->patience ?: VHOST_USER_ANSWER_NS },
		.channel = -1,
	};
	err = vhost_user_set(&peer->socket, VHOST_USER_SET_OWNER, NULL, 0, NULL, 0);
	if (!err)
		err = vhost_user_get_u64(&peer->socket, VHOST_USER_GET_FEATURES, &peer->features);
	if (!err)
		err = meet_protocol(peer, want);
	if (!err)
		err = meet_numbers(peer, want);
	if (!err)
		err = meet_config(peer, want);
	if (!err)
		err = peer_fits(peer, want);
	if (!err)
		return 0;
	if (!peer->socket.why[0])
		snprintf(peer->socket.why, sizeof(peer->socket.why), "%s", strerror(-err));
	vhost_user_part(peer);
	return err;
}

void vhost_user_part(struct vhost_user_peer *peer)
{
	if (peer->socket.fd >= 0)
		close(peer->socket.fd);
	if (peer->channel >= 0)
		close(peer->channel);
	peer->socket.fd = peer->channel = -1;
}
