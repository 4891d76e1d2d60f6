// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio-9p: a folder of the host's in the guest, for kernels without virtio-fs and for existing scripts. The
 * device here is its tag; its queue is served by a helper process of ours.
 */
#include <errno.h>
#include <linux/virtio_9p.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "lkvm/config/options.h"
#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/vm.h"
#include "share-helper.h"
#include "vhost-user.h"

/* Linux fills 128 buffers for a request, without indirect descriptors. */
#define P9_QUEUE_SIZE  128
#define P9_TAG_MAX     255
/* As older scripts mount it, and as older kernels want the root's. */
#define P9_DEFAULT_TAG "kvm_9p"
#define P9_ROOT_TAG    "/dev/root"

/* What was asked for. */
struct p9_config {
	const char *folder;
	const char *tag; /* NULL: a default */
	bool readonly;
	bool root; /* by -d DIR: it is the guest's root */
};

struct virtio_9p {
	struct virtio_device dev;
	struct share *share;
	struct vhost_user *seat;
	/* Constant: tag_len[2] tag[]. */
	u8 config[2 + P9_TAG_MAX];
};

static struct virtio_9p *to_9p(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct virtio_9p, dev);
}

static void p9_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len)
{
	memcpy(data, to_9p(dev)->config + offset, len);
}

static int p9_activate(struct virtio_device *dev)
{
	return vhost_user_activate(to_9p(dev)->seat);
}

static void p9_reset(struct virtio_device *dev)
{
	vhost_user_reset(to_9p(dev)->seat);
}

static int p9_start(struct virtio_device *dev)
{
	return vhost_user_start(to_9p(dev)->seat);
}

static void p9_stop(struct virtio_device *dev)
{
	vhost_user_stop(to_9p(dev)->seat);
}

static void p9_destroy(struct virtio_device *dev)
{
	struct virtio_9p *p9 = to_9p(dev);

	vhost_user_close(p9->seat);
	share_close(p9->share);
	virtio_exit(dev);
	free(p9);
}

static const struct virtio_device_ops p9_ops = {
	.name = "virtio-9p",
	.type = VIRTIO_ID_9P,
	.pci_class = 0x00ff00,
	.config_size = sizeof(((struct virtio_9p *)0)->config),
	.queue_size = P9_QUEUE_SIZE,
	.config_read = p9_config_read,
	.activate = p9_activate,
	.reset = p9_reset,
	.start = p9_start,
	.stop = p9_stop,
	.destroy = p9_destroy,
};

/* ---- the kind ---- */

#define FIELD(name) .offset = offsetof(struct p9_config, name)

static const struct key_row p9_keys[] = {
	KEY_ROW(STRING, "folder", FIELD(folder), .first = true, .argument = "DIR"),
	KEY_ROW(STRING, "tag", FIELD(tag), .min = 1, .max = P9_TAG_MAX, .bare = true,
		.help = "By which the guest mounts it: mount -t 9p -o trans=virtio,version=9p2000.L TAG /mnt "
			"(default: " P9_DEFAULT_TAG ")"),
	KEY_ROW(FLAG, "ro", FIELD(readonly), .help = "The guest can change nothing"),
	{ 0 },
};

static const struct option_row p9_options[] = {
	OPTION_ROW(
		DEVICE, "9p", .argument = "DIR[,[tag=]TAG][,ro]", .keys = p9_keys, .repeats = true,
		.help = "Folder of the host's, by 9P",
		.man = "For kernels without virtio-fs, and scripts that mount it so; otherwise --fs is faster. A "
		       "folder given to --disk is one as well, and the guest's root: its tag is " P9_ROOT_TAG
		       ", and the kernel is told to mount it."),
	{ 0 },
};

/* -d DIR: a folder is no disk. */
static bool p9_claim(const char *value, void *record)
{
	struct p9_config *config = record;
	char *folder = strndup(value, strcspn(value, ","));
	struct stat st;

	config->root = folder && !stat(folder, &st) && S_ISDIR(st.st_mode);
	free(folder);
	return config->root;
}

static const char *p9_parameters(const void *record)
{
	const struct p9_config *config = record;

	return config->root ? "root=" P9_ROOT_TAG " rw rootfstype=9p "
			      "rootflags=trans=virtio,version=9p2000.L,cache=loose"
			    : NULL;
}

static int p9_check(const struct vm_config *config, const void *record, unsigned index)
{
	const struct p9_config *p9 = record;

	if (!p9->folder) {
		log_fatal("--9p: a folder is missing: --9p DIR,TAG");
		return -EINVAL;
	}
	return vhost_user_check(config, "9p");
}

static bool p9_always(const void *record)
{
	return true;
}

static int p9_open(struct vm *vm, const void *record, unsigned index, void **opened)
{
	const struct p9_config *config = record;
	const struct share_want share = {
		.words = "--9p ",
		.folder = config->folder,
		.kind = SHARE_9P,
		.readonly = config->readonly,
		.queues = 1,
		.queue_size = P9_QUEUE_SIZE,
	};
	struct vhost_user_want want = { .words = "--9p ", .name = "virtio-9p", .queues = 1 };
	struct virtio_9p *p9 = calloc(1, sizeof(*p9));
	int err = p9 ? share_open(&p9->share, &share, &want.fd) : -ENOMEM;

	want.lost = share_kill;
	want.opaque = p9 ? p9->share : NULL;
	if (!err)
		err = vhost_user_open(&p9->seat, &want);
	if (!err) {
		*opened = p9;
		return 0;
	}
	if (p9)
		share_close(p9->share);
	free(p9);
	return err;
}

static void p9_close(void *opened)
{
	struct virtio_9p *p9 = opened;

	vhost_user_close(p9->seat);
	share_close(p9->share);
	free(p9);
}

static void p9_fill_config(struct virtio_9p *p9, const struct p9_config *config)
{
	const char *tag = config->tag ?: config->root ? P9_ROOT_TAG : P9_DEFAULT_TAG;
	const le16 len = htole16(strlen(tag));

	memcpy(p9->config, &len, sizeof(len));
	memcpy(p9->config + sizeof(len), tag, strlen(tag));
}

static int p9_create_device(struct vm *vm, const void *record, unsigned index, void **opened)
{
	struct virtio_9p *p9 = *opened;
	int err;

	*opened = NULL;
	p9_fill_config(p9, record);
	err = virtio_init(&p9->dev, &p9_ops, vm, vm->loop, BIT(VIRTIO_9P_MOUNT_TAG), 1);
	if (err)
		return err;
	snprintf(p9->dev.device.name, sizeof(p9->dev.device.name), "virtio-9p%u", index);
	return vhost_user_serve(p9->seat, &p9->dev, BIT(VIRTIO_9P_MOUNT_TAG))
		       ?: virtio_attach(&p9->dev, vm);
}

static void p9_stat(struct device *device, json_t *part)
{
	share_stat(to_9p(CONTAINER_OF(device, struct virtio_device, device))->share, part);
}

const struct device_kind virtio_9p_kind = {
	.config = {
		.name = "9p",
		.max = 8,
		.size = sizeof(struct p9_config),
		.rows = p9_options,
		.group = OPTION_GROUP_DISKS,
		.check = p9_check,
		.claims = "disk",
		.claim = p9_claim,
		.parameters = p9_parameters,
		.shares_memory = p9_always,
	},
	.needs_helper = p9_always,
	.open = p9_open,
	.close = p9_close,
	.create = p9_create_device,
	.stat = p9_stat,
};
