/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of vhost-user, between the front end, which has the device's registers (virtio/vhost-user.c), and the back
 * end, which serves its queues: another program, or a helper of ours (virtio/vhost-user-server.c). QEMU's
 * document docs/interop/vhost-user.rst is the specification. Numbers are in the host's byte order.
 */
#ifndef VIRTIO_VHOST_USER_PROTOCOL_H
#define VIRTIO_VHOST_USER_PROTOCOL_H

#include "lkvm/util/types.h"

enum vhost_user_request {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES = 2,
	VHOST_USER_SET_OWNER = 3,
	VHOST_USER_SET_MEM_TABLE = 5,
	VHOST_USER_SET_VRING_NUM = 8,
	VHOST_USER_SET_VRING_ADDR = 9,
	VHOST_USER_SET_VRING_BASE = 10,
	VHOST_USER_GET_VRING_BASE = 11, /* stops the queue */
	VHOST_USER_SET_VRING_KICK = 12,
	VHOST_USER_SET_VRING_CALL = 13,
	VHOST_USER_SET_VRING_ERR = 14,
	VHOST_USER_GET_PROTOCOL_FEATURES = 15,
	VHOST_USER_SET_PROTOCOL_FEATURES = 16,
	VHOST_USER_GET_QUEUE_NUM = 17,
	VHOST_USER_SET_VRING_ENABLE = 18,
	VHOST_USER_SET_BACKEND_REQ_FD = 21,
	VHOST_USER_GET_CONFIG = 24,
	VHOST_USER_SET_CONFIG = 25,
	VHOST_USER_GET_INFLIGHT_FD = 31,
	VHOST_USER_SET_INFLIGHT_FD = 32,
	VHOST_USER_RESET_DEVICE = 34,
	VHOST_USER_GET_MAX_MEM_SLOTS = 36,
	VHOST_USER_ADD_MEM_REG = 37,
	VHOST_USER_REM_MEM_REG = 38,
	VHOST_USER_SET_STATUS = 39,
	VHOST_USER_GET_STATUS = 40,
};

/* What the back end asks on its own socket. */
enum vhost_user_backend_request {
	VHOST_USER_BACKEND_CONFIG_CHANGE = 2,
};

/* The feature bit that says there are protocol features; with it queues begin disabled. */
#define VHOST_USER_F_PROTOCOL_FEATURES 30

enum vhost_user_protocol_feature {
	VHOST_USER_PROTOCOL_MQ = 0,
	VHOST_USER_PROTOCOL_REPLY_ACK = 3,
	VHOST_USER_PROTOCOL_BACKEND_REQ = 5,
	VHOST_USER_PROTOCOL_CONFIG = 9,
	VHOST_USER_PROTOCOL_INFLIGHT = 12,
	VHOST_USER_PROTOCOL_RESET_DEVICE = 13,
	VHOST_USER_PROTOCOL_MEM_SLOTS = 15,
	VHOST_USER_PROTOCOL_STATUS = 16,
};

#define VHOST_USER_VERSION	1
#define VHOST_USER_VERSION_MASK 3
#define VHOST_USER_REPLY	BIT(2)
#define VHOST_USER_NEED_REPLY	BIT(3) /* with REPLY_ACK: a u64 comes back, 0 for success */

struct vhost_user_header {
	u32 request;
	u32 flags;
	u32 size; /* of the payload, bytes */
};
_Static_assert(sizeof(struct vhost_user_header) == 12, "as on the wire");

struct vhost_user_vring_state {
	u32 index;
	u32 num;
};

/* Addresses are the front end's virtual ones, to be found in the memory table's user_addr. */
struct vhost_user_vring_addr {
	u32 index;
	u32 flags;
	u64 desc;
	u64 used;
	u64 avail;
	u64 log;
};
_Static_assert(sizeof(struct vhost_user_vring_addr) == 40, "as on the wire");

struct vhost_user_region {
	u64 gpa;
	u64 size;
	u64 user_addr;
	u64 offset; /* into the file whose descriptor comes along */
};

#define VHOST_USER_MAX_REGIONS 8

struct vhost_user_memory {
	u32 nr;
	u32 padding;
	struct vhost_user_region regions[VHOST_USER_MAX_REGIONS];
};
_Static_assert(sizeof(struct vhost_user_memory) == 264, "as on the wire");

struct vhost_user_memory_region {
	u64 padding;
	struct vhost_user_region region;
};

/* KICK, CALL, ERR: a u64 of the queue's index, and this bit if no descriptor comes along. */
#define VHOST_USER_VRING_NO_FD BIT(8)

#define VHOST_USER_MAX_CONFIG 256

struct vhost_user_config {
	u32 offset;
	u32 size;
	u32 flags;
	u8 bytes[VHOST_USER_MAX_CONFIG];
};
_Static_assert(sizeof(struct vhost_user_config) == 268, "as on the wire");

struct vhost_user_inflight {
	u64 mmap_size;
	u64 mmap_offset;
	u16 nr_queues;
	u16 queue_size;
	u32 padding;
};

union vhost_user_payload {
	u64 number;
	struct vhost_user_vring_state state;
	struct vhost_user_vring_addr addr;
	struct vhost_user_memory memory;
	struct vhost_user_memory_region region;
	struct vhost_user_config config;
	struct vhost_user_inflight inflight;
};

#endif
