// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio-fs (virtio 1.3, 5.11): a folder of the host's in the guest. The device here is its configuration space; its queues,
 * one for urgent messages and then those for requests, are served by another process.
 */
#include <errno.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lkvm/config/options.h"
#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/vm.h"
#include "share-helper.h"
#include "vhost-user.h"

#define FS_TAG	      SIZE_OF(struct virtio_fs_config, tag)
/* A request has this many pages at most, less a few for its headers. */
#define FS_QUEUE_SIZE 1024
#define FS_MAX_QUEUES 16U

_Static_assert(sizeof(struct virtio_fs_config) == 40, "virtio 1.3, 5.11.4");
_Static_assert(FS_MAX_QUEUES < VIRTIO_MAX_QUEUES, "one more is the urgent one");

/* What was asked for. */
struct fs_config {
	const char
		*folder; /* served by a helper process of ours; NULL: by who listens on `socket` */
	const char *socket;
	const char *tag; /* by which the guest mounts it; NULL: made of its number */
	unsigned queues; /* for requests; 0: one for each CPU, as far as there are */
	enum fuse_cache cache;
	bool readonly, submounts;
};

/* What open leaves for create. */
struct fs_opened {
	struct share *share; /* NULL: another program serves it */
	struct vhost_user *seat;
};

struct virtio_fs {
	struct virtio_device dev;
	struct fs_opened back;
	struct virtio_fs_config config; /* constant */
};

static struct virtio_fs *to_fs(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct virtio_fs, dev);
}

static void fs_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len)
{
	memcpy(data, (const u8 *)&to_fs(dev)->config + offset, len);
}

static int fs_activate(struct virtio_device *dev)
{
	return vhost_user_activate(to_fs(dev)->back.seat);
}

static void fs_reset(struct virtio_device *dev)
{
	vhost_user_reset(to_fs(dev)->back.seat);
}

static int fs_start(struct virtio_device *dev)
{
	return vhost_user_start(to_fs(dev)->back.seat);
}

static void fs_close_back(struct fs_opened *back)
{
	vhost_user_close(back->seat);
	share_close(back->share);
}

static void fs_stop(struct virtio_device *dev)
{
	vhost_user_stop(to_fs(dev)->back.seat);
}

static void fs_destroy(struct virtio_device *dev)
{
	struct virtio_fs *fs = to_fs(dev);

	fs_close_back(&fs->back);
	virtio_exit(dev);
	free(fs);
}

static const struct virtio_device_ops fs_ops = {
	.name = "virtio-fs",
	.type = VIRTIO_ID_FS,
	.pci_class = 0x018000,
	.config_size = sizeof(struct virtio_fs_config),
	.queue_size = FS_QUEUE_SIZE,
	.config_read = fs_config_read,
	.activate = fs_activate,
	.reset = fs_reset,
	.start = fs_start,
	.stop = fs_stop,
	.destroy = fs_destroy,
};

/* ---- the kind ---- */

#define FIELD(name) .offset = offsetof(struct fs_config, name)

#define FS_SOCKET "socket="

/* The first item needs no name, and so may be this one. A folder of such a name is ./socket=... */
static int fs_check_folder(void *record, char *value, char why[KEY_WHY])
{
	struct fs_config *config = record;

	if (strncmp(value, FS_SOCKET, strlen(FS_SOCKET)))
		return 0;
	config->folder = NULL;
	config->socket = value + strlen(FS_SOCKET);
	return *config->socket ? 0 : key_why(why, "socket=PATH would work");
}

static int fs_check_tag(void *record, char *tag, char why[KEY_WHY])
{
	for (const char *p = tag; *p; p++)
		if (*p < ' ' || *p == 0x7f)
			return key_why(why, "a tag has no control characters");
	return 0;
}

static const char *const fs_caches[] = {
	[FUSE_CACHE_NONE] = "none",
	[FUSE_CACHE_AUTO] = "auto",
	[FUSE_CACHE_ALWAYS] = "always",
	[FUSE_CACHE_WRITEBACK] = "writeback",
	NULL,
};

static const struct key_row fs_keys[] = {
	KEY_ROW(STRING, "folder", FIELD(folder), .first = true, .check = fs_check_folder,
		.argument = "DIR", .help = "The folder; a process of lkvm's own serves it"),
	KEY_ROW(STRING, "socket", FIELD(socket), .argument = "PATH",
		.help = "Instead of DIR: where a back end for vhost-user listens, virtiofsd(1) for example; start "
			"it before lkvm"),
	KEY_ROW(STRING, "tag", FIELD(tag), .min = 1, .max = FS_TAG, .check = fs_check_tag,
		.help = "By which the guest mounts it: mount -t virtiofs TAG /mnt (default: fs0 for the first, "
			"fs1 for the second ...)"),
	KEY_ROW(FLAG, "ro", FIELD(readonly), .help = "The guest can change nothing"),
	KEY_ROW(CHOICE, "cache", FIELD(cache), .choices = fs_caches,
		.help = "What the guest may keep: none; auto: names and attributes for a second, data until a file is "
			"opened anew; always: nobody else changes the folder; writeback: the same, and what is "
			"written reaches the host later (default: auto)"),
	KEY_ROW(FLAG, "submounts", FIELD(submounts),
		.help = "File systems mounted below DIR are such in the guest, too"),
	KEY_ROW(U32, "queues", FIELD(queues), .min = 1, .max = FS_MAX_QUEUES,
		.help = "Queues for requests (default: one for each CPU, as far as the back end has them)"),
	{ 0 },
};

/* Which is right is known when all keys are. */
static int fs_check_record(void *record, char why[KEY_WHY])
{
	const struct fs_config *config = record;

	if (!config->folder == !config->socket)
		return key_why(why, "a folder, or socket=PATH instead, is what it takes");
	if (config->socket && (config->readonly || config->submounts))
		return key_why(why, "ro and submounts are the back end's own matter with socket=");
	return 0;
}

static const struct option_row fs_options[] = {
	OPTION_ROW(
		DEVICE, "fs", .argument = "DIR[,tag=TAG][,ro][,cache=MODE][,queues=N][,submounts]",
		.keys = fs_keys, .repeats = true, .help = "Folder of the host's, by virtio-fs",
		.check = fs_check_record,
		.man = "The guest mounts it by mount -t virtiofs TAG /mnt, or as its root: root=TAG "
		       "rootfstype=virtiofs rw. Linux has the driver since 5.4. A process of lkvm's own serves "
		       "the folder, and has guest memory: without --mem-backend that is memfd then. "
		       "--fs socket=PATH,tag=TAG: another program does, virtiofsd(1) for example. See "
		       "Documentation/shared-folders.md."),
	{ 0 },
};

/* What the guest mounts it by: up to FS_TAG bytes, and a zero. */
static void fs_tag(const struct fs_config *config, unsigned index, char tag[FS_TAG + 1])
{
	if (config->tag)
		snprintf(tag, FS_TAG + 1, "%s", config->tag);
	else
		snprintf(tag, FS_TAG + 1, "fs%u", index);
}

extern const struct device_kind virtio_fs_kind;

static int fs_check(const struct vm_config *config, const void *record, unsigned index)
{
	char tag[FS_TAG + 1], other[FS_TAG + 1];

	fs_tag(record, index, tag);
	for (unsigned i = 0; i < index; i++) {
		fs_tag(config_record(config, &virtio_fs_kind.config, i), i, other);
		if (strcmp(tag, other))
			continue;
		log_fatal(
			"--fs: two folders have the tag '%s'; give one of them another by tag=TAG",
			tag);
		return -EINVAL;
	}
	return vhost_user_check(config, "fs");
}

static bool fs_shares_memory(const void *record)
{
	return true;
}

static void fs_init(void *record)
{
	struct fs_config *config = record;

	config->cache = FUSE_CACHE_AUTO;
}

static bool fs_needs_helper(const void *record)
{
	const struct fs_config *config = record;

	return config->folder;
}

static unsigned fs_own_queues(const struct vm *vm, const struct fs_config *config)
{
	return config->queues ?: MIN(vm->config->cpus ?: 1, FS_MAX_QUEUES);
}

static int fs_open_share(struct vm *vm, const struct fs_config *config, struct share **share,
			 int *socket)
{
	const struct share_want want = {
		.words = "--fs ",
		.folder = config->folder,
		.kind = SHARE_FUSE,
		.cache = config->cache,
		.readonly = config->readonly,
		.submounts = config->submounts,
		.queues = 1 + fs_own_queues(vm, config),
		.queue_size = FS_QUEUE_SIZE,
	};

	return share_open(share, &want, socket);
}

static int fs_open_back(struct vm *vm, const struct fs_config *config, struct fs_opened *back)
{
	struct vhost_user_want want = {
		.words = config->folder ? "--fs " : "--fs socket=",
		.name = "virtio-fs",
		.path = config->socket,
		.queues = 1 + (config->folder ? fs_own_queues(vm, config) : config->queues ?: 1),
	};
	int err = config->folder ? fs_open_share(vm, config, &back->share, &want.fd) : 0;

	if (back->share) {
		want.lost = share_kill;
		want.opaque = back->share;
	}
	if (!err)
		err = vhost_user_open(&back->seat, &want);
	if (err)
		fs_close_back(back);
	return err;
}

static int fs_open(struct vm *vm, const void *record, unsigned index, void **opened)
{
	struct fs_opened *back = calloc(1, sizeof(*back));
	int err = back ? fs_open_back(vm, record, back) : -ENOMEM;

	if (err)
		free(back);
	else
		*opened = back;
	return err;
}

static void fs_close(void *opened)
{
	fs_close_back(opened);
	free(opened);
}

static unsigned fs_count_queues(const struct vm *vm, const struct fs_config *config,
				const struct vhost_user *seat)
{
	unsigned there = vhost_user_queues(seat), most = MIN(vm->config->cpus ?: 1, FS_MAX_QUEUES);

	if (config->queues)
		return config->queues;
	/* One that does not say how many has the least there can be. */
	return there > 1 ? MIN(there - 1, most) : 1;
}

static void fs_fill_config(struct virtio_fs_config *space, const struct fs_config *config,
			   unsigned index, unsigned queues)
{
	char tag[FS_TAG + 1];

	fs_tag(config, index, tag);
	/* A tag of full length has no zero behind it. */
	memcpy(space->tag, tag, strlen(tag));
	space->num_request_queues = htole32(queues);
}

static int fs_create(struct vm *vm, const void *record, unsigned index, void **opened)
{
	const struct fs_config *config = record;
	struct virtio_fs *fs = calloc(1, sizeof(*fs));
	unsigned queues;
	int err;

	if (!fs)
		return -ENOMEM;
	fs->back = *(struct fs_opened *)*opened;
	free(*opened);
	*opened = NULL;
	queues = fs_count_queues(vm, config, fs->back.seat);
	fs_fill_config(&fs->config, config, index, queues);
	err = virtio_init(&fs->dev, &fs_ops, vm, vm->loop, vhost_user_features(fs->back.seat),
			  1 + queues);
	if (err)
		return err;
	snprintf(fs->dev.device.name, sizeof(fs->dev.device.name), "virtio-fs%u", index);
	return vhost_user_serve(fs->back.seat, &fs->dev, 0) ?: virtio_attach(&fs->dev, vm);
}

static void fs_stat(struct device *device, json_t *part)
{
	const struct virtio_fs *fs = to_fs(CONTAINER_OF(device, struct virtio_device, device));

	if (fs->back.share)
		share_stat(fs->back.share, part);
}

const struct device_kind virtio_fs_kind = {
	.config = {
		.name = "fs",
		.max = 8,
		.size = sizeof(struct fs_config),
		.rows = fs_options,
		.group = OPTION_GROUP_DISKS,
		.init = fs_init,
		.check = fs_check,
		.shares_memory = fs_shares_memory,
	},
	.needs_helper = fs_needs_helper,
	.open = fs_open,
	.close = fs_close,
	.create = fs_create,
	.stat = fs_stat,
};
