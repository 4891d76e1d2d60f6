// SPDX-License-Identifier: GPL-2.0-or-later
/* virtio-vsock (virtio 1.3, 5.10): sockets between host and guest. */
#include <errno.h>
#include <stdlib.h>
#include "lkvm/config/options.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/device-kind.h"
#include "vhost.h"
#include "vsock-vhost.h"
#include "vsock.h"

/* 0 to 2 are everybody's, the last one means any. */
#define VSOCK_MIN_CID 3
#define VSOCK_MAX_CID (UINT32_MAX - 1)

/* What was asked for. */
struct vsock_config {
	u32 cid;
	const char *path; /* of the socket; NULL: the host's kernel serves the device */
};

static const struct key_row vsock_keys[] = {
	KEY_ROW(U32, "cid", .offset = offsetof(struct vsock_config, cid), .first = true,
		.min = VSOCK_MIN_CID, .max = VSOCK_MAX_CID, .argument = "CID",
		.help = "The guest's number, which no other guest of this host has"),
	KEY_ROW(STRING, "path", .offset = offsetof(struct vsock_config, path), .argument = "SOCKET",
		.help = "Instead of the host's kernel lkvm itself serves the device: a program of the host connects to "
			"SOCKET and sends CONNECT PORT as a line; the guest's own connections to port P of the host go to "
			"who listens on SOCKET_P"),
	{ 0 },
};

static const struct option_row vsock_options[] = {
	OPTION_ROW(
		DEVICE, "vsock", .argument = "CID[,path=SOCKET]", .keys = vsock_keys,
		.help = "Sockets between host and guest (AF_VSOCK)",
		.man = "The guest has that number, from 3 on, and the host is number 2. The host's kernel needs its module "
		       "vhost_vsock, and the user access to /dev/vhost-vsock. ssh vsock/CID reaches a guest with systemd 256 and sshd. "
		       "With path=SOCKET neither is needed, and the number is the guest's own matter; where the host's systemd is 262 or later, ssh "
		       "vsock-mux/SOCKET reaches it then."),
	{ 0 },
};

static int vsock_check(const struct vm_config *config, const void *record, unsigned index)
{
	if (config->transport != TRANSPORT_PCI_LEGACY && config->transport != TRANSPORT_MMIO_LEGACY)
		return 0;
	log_fatal("--vsock: it is a device of virtio 1 only; leave out the legacy transport");
	return -EINVAL;
}

static bool vsock_needs_helper(const void *record)
{
	const struct vsock_config *config = record;

	return config->path;
}

/* What open leaves for create: one of them. */
struct vsock_opened {
	struct vhost *vhost;
	struct vsock_host *host;
};

static int vsock_open(struct vm *vm, const void *record, unsigned index, void **opened)
{
	const struct vsock_config *config = record;
	struct vsock_opened *back = calloc(1, sizeof(*back));
	int err;

	if (!back)
		return -ENOMEM;
	if (config->path)
		err = vsock_host_open(&back->host, config->path);
	else
		err = vsock_vhost_open(&back->vhost, config->cid);
	if (err)
		free(back);
	else
		*opened = back;
	return err;
}

static void vsock_close(void *opened)
{
	struct vsock_opened *back = opened;

	if (back->host)
		vsock_host_close(back->host);
	else
		vhost_close(back->vhost);
	free(back);
}

static int vsock_create(struct vm *vm, const void *record, unsigned index, void **opened)
{
	const struct vsock_config *config = record;
	struct vsock_opened back = *(struct vsock_opened *)*opened;

	free(*opened);
	*opened = NULL;
	return back.host ? vsock_device_create(vm, back.host, config->cid)
			 : vsock_vhost_create(vm, back.vhost, config->cid);
}

const struct device_kind virtio_vsock_kind = {
	.config = {
		.name = "vsock",
		.max = 1,
		.size = sizeof(struct vsock_config),
		.rows = vsock_options,
		.group = OPTION_GROUP_DEVICES,
		.check = vsock_check,
	},
	.needs_helper = vsock_needs_helper,
	.open = vsock_open,
	.close = vsock_close,
	.create = vsock_create,
	.stat = vsock_device_stat,
};
