// SPDX-License-Identifier: GPL-2.0-or-later
/* virtio-vsock (virtio 1.3, 5.10): sockets between host and guest. */
#include <errno.h>
#include "lkvm/config/options.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/device-kind.h"
#include "vhost.h"
#include "vsock-vhost.h"

/* 0 to 2 are everybody's, the last one means any. */
#define VSOCK_MIN_CID 3
#define VSOCK_MAX_CID (UINT32_MAX - 1)

/* What was asked for. */
struct vsock_config {
	u32 cid;
};

static const struct key_row vsock_keys[] = {
	KEY_ROW(U32, "cid", .offset = offsetof(struct vsock_config, cid), .first = true,
		.min = VSOCK_MIN_CID, .max = VSOCK_MAX_CID, .argument = "CID",
		.help = "The guest's number, which no other guest of this host has"),
	{ 0 },
};

static const struct option_row vsock_options[] = {
	OPTION_ROW(
		DEVICE, "vsock", .argument = "CID", .keys = vsock_keys,
		.help = "Sockets between host and guest (AF_VSOCK), by the host's kernel",
		.man = "The guest has that number, from 3 on, and the host is number 2. The host's kernel needs its module "
		       "vhost_vsock, and the user access to /dev/vhost-vsock. ssh vsock/CID reaches a guest with systemd 256 and sshd."),
	{ 0 },
};

static int vsock_check(const struct vm_config *config, const void *record, unsigned index)
{
	if (config->transport != TRANSPORT_PCI_LEGACY && config->transport != TRANSPORT_MMIO_LEGACY)
		return 0;
	log_fatal("--vsock: it is a device of virtio 1 only; leave out the legacy transport");
	return -EINVAL;
}

static int vsock_open(struct vm *vm, const void *record, unsigned index, void **opened)
{
	const struct vsock_config *config = record;
	struct vhost *vhost;
	int err = vsock_vhost_open(&vhost, config->cid);

	if (!err)
		*opened = vhost;
	return err;
}

static void vsock_close(void *opened)
{
	vhost_close(opened);
}

static int vsock_create(struct vm *vm, const void *record, unsigned index, void **opened)
{
	const struct vsock_config *config = record;
	struct vhost *vhost = *opened;

	*opened = NULL;
	return vsock_vhost_create(vm, vhost, config->cid);
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
	.open = vsock_open,
	.close = vsock_close,
	.create = vsock_create,
};
