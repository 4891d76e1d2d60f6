// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device: what it offers, its configuration space, and its life. The disk's one I/O thread serves
 * all queues, so nothing on the way of a request needs a lock.
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "blk.h"
#include "lkvm/config/options.h"
#include "lkvm/memory/guard.h"
#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/vm.h"
#include "vhost-user.h"

_Static_assert(offsetof(struct virtio_blk_config, wce) == 32, "virtio 1.3, 5.2.4");
_Static_assert(offsetof(struct virtio_blk_config, max_discard_sectors) == 36, "virtio 1.3, 5.2.4");
_Static_assert(BLK_CONFIG_SIZE == 60, "virtio 1.3, 5.2.4");

static struct virtio_blk *to_blk(struct virtio_device *dev)
{
	return CONTAINER_OF(dev, struct virtio_blk, dev);
}

/* virtio 1.3, 5.2.5.2 and 5.2.6.2: the driver's choice, or whether it knows how to flush. */
bool blk_is_writeback(const struct virtio_blk *blk)
{
	return blk->state.writeback_set ? blk->state.writeback
					: virtio_has_feature(&blk->dev, VIRTIO_BLK_F_FLUSH);
}

static void blk_fill_config(struct virtio_blk *blk, struct virtio_blk_config *config)
{
	const struct virtio_device *dev = &blk->dev;
	u32 block = blk->info->block_size, physical = blk->info->physical_block_size;

	config->capacity = virtio64(dev, blk->sectors);
	config->seg_max = virtio32(dev, BLK_SEG_MAX);
	config->blk_size = virtio32(dev, block);
	config->physical_block_exp = __builtin_ctz(physical / block);
	config->min_io_size = virtio16(dev, physical / block);
	config->wce = blk_is_writeback(blk);
	config->num_queues = virtio16(dev, dev->nr_queues);
	if (blk->info->can_discard) {
		config->max_discard_sectors = virtio32(dev, BLK_DISCARD_SECTORS);
		config->max_discard_seg = virtio32(dev, BLK_DISCARD_SEGMENTS);
		config->discard_sector_alignment = virtio32(dev, physical / DISK_SECTOR);
		config->write_zeroes_may_unmap = 1;
	}
	config->max_write_zeroes_sectors = virtio32(dev, BLK_WRITE_ZEROES_SECTORS);
	config->max_write_zeroes_seg = virtio32(dev, BLK_WRITE_ZEROES_SEGMENTS);
}

static void blk_config_read(struct virtio_device *dev, u32 offset, u8 *data, u32 len)
{
	struct virtio_blk_config config = { 0 };

	blk_fill_config(to_blk(dev), &config);
	memcpy(data, (u8 *)&config + offset, len);
}

static void blk_config_write(struct virtio_device *dev, u32 offset, const u8 *data, u32 len)
{
	struct virtio_blk *blk = to_blk(dev);

	if (offset != offsetof(struct virtio_blk_config, wce) || len != 1 ||
	    !virtio_has_feature(dev, VIRTIO_BLK_F_CONFIG_WCE))
		return;
	blk->state.writeback = data[0] != 0;
	blk->state.writeback_set = true;
}

static void blk_quiesce(struct virtio_device *dev)
{
	disk_hold(to_blk(dev)->disk);
}

static void blk_resume(struct virtio_device *dev)
{
	disk_release(to_blk(dev)->disk);
}

static void blk_queue_reset(struct virtio_device *dev, struct virtqueue *vq)
{
	struct virtio_blk *blk = to_blk(dev);

	disk_cancel(blk->disk, blk_drop, vq);
	blk->to_signal &= ~BIT(vq->index);
	blk->stalled &= ~BIT(vq->index);
}

/* The driver wants no answers any more to what it asked for before. */
static void blk_reset(struct virtio_device *dev)
{
	struct virtio_blk *blk = to_blk(dev);

	disk_cancel(blk->disk, blk_drop, NULL);
	blk->state.writeback_set = false;
	blk->to_signal = blk->stalled = 0;
	disk_release(blk->disk);
}

static int blk_start(struct virtio_device *dev)
{
	return disk_start(to_blk(dev)->disk);
}

static void blk_destroy(struct virtio_device *dev)
{
	struct virtio_blk *blk = to_blk(dev);

	disk_stop(blk->disk);
	virtio_exit(dev);
	disk_close(blk->disk);
	free(blk->requests);
	free(blk->spill);
	free(blk);
}

static const struct virtio_device_ops blk_ops = {
	.name = "virtio-blk",
	.type = VIRTIO_ID_BLOCK,
	.pci_class = 0x018000,
	.config_size = BLK_CONFIG_SIZE,
	.queue_size = BLK_QUEUE_SIZE,
	.config_read = blk_config_read,
	.config_write = blk_config_write,
	.notify = blk_notify,
	.quiesce = blk_quiesce,
	.resume = blk_resume,
	.queue_reset = blk_queue_reset,
	.reset = blk_reset,
	.start = blk_start,
	.destroy = blk_destroy,
};

static u64 blk_offered_features(const struct virtio_blk *blk, unsigned queues)
{
	u64 features = BIT(VIRTIO_BLK_F_SEG_MAX) | BIT(VIRTIO_BLK_F_BLK_SIZE) |
		       BIT(VIRTIO_BLK_F_TOPOLOGY) | BIT(VIRTIO_BLK_F_FLUSH);

	if (queues > 1)
		features |= BIT(VIRTIO_BLK_F_MQ);
	if (blk->info->readonly)
		return features | BIT(VIRTIO_BLK_F_RO);
	features |= BIT(VIRTIO_BLK_F_CONFIG_WCE) | BIT(VIRTIO_BLK_F_WRITE_ZEROES);
	if (blk->info->can_discard)
		features |= BIT(VIRTIO_BLK_F_DISCARD);
	return features;
}

static void blk_fill_serial(struct virtio_blk *blk, const char *serial, unsigned index)
{
	/* Longer ones lose their end; there is no space for a final zero in 20 bytes, nor need. */
	if (serial)
		snprintf(blk->serial, sizeof(blk->serial), "%s", serial);
	else
		snprintf(blk->serial, sizeof(blk->serial), "lkvm-disk%u", index);
}

struct virtio_blk *blk_new(struct vm *vm, struct disk *disk, const struct disk_config *config,
			   unsigned index, unsigned queues)
{
	struct virtio_blk *blk = calloc(1, sizeof(*blk));

	if (!blk) {
		disk_close(disk);
		return NULL;
	}
	blk->disk = disk;
	blk->info = disk_info(disk);
	blk->sectors = blk->info->size / DISK_SECTOR;
	blk->requests = calloc(BLK_REQUESTS, sizeof(*blk->requests));
	blk->spill = calloc(BLK_REQUESTS, sizeof(*blk->spill));
	if (!blk->requests || !blk->spill) {
		blk_destroy(&blk->dev);
		return NULL;
	}
	blk_requests_init(blk);
	disk_set_owner(disk, blk_batch_done, blk, memory_guard_tripped);
	blk_fill_serial(blk, config->serial, index);
	if (virtio_init(&blk->dev, &blk_ops, vm, disk_loop(disk), blk_offered_features(blk, queues),
			queues))
		return NULL;
	snprintf(blk->dev.device.name, sizeof(blk->dev.device.name), "virtio-blk%u", index);
	return blk;
}

/* ---- the kind ---- */

static int blk_check_serial(void *record, char *serial, char why[KEY_WHY])
{
	for (const char *p = serial; *p; p++)
		if (*p <= ' ' || *p > '~')
			return key_why(why, "printable ASCII without blanks would work");
	return 0;
}

#define BACK_END "vhost-user="

/* A file of such a name is ./vhost-user=... */
static int blk_check_file(void *record, char *value, char why[KEY_WHY])
{
	struct disk_config *config = record;

	config->back_end = NULL;
	if (strncmp(value, BACK_END, strlen(BACK_END)))
		return 0;
	config->back_end = value + strlen(BACK_END);
	config->path = NULL;
	return *config->back_end ? 0 : key_why(why, "vhost-user=PATH would work");
}

#define FIELD(name) .offset = offsetof(struct disk_config, name)

static const struct key_row blk_keys[] = {
	KEY_ROW(STRING, "FILE", FIELD(path), .first = true, .check = blk_check_file,
		.argument = "FILE"),
	KEY_ROW(FLAG, "ro", FIELD(readonly),
		.help = "The guest cannot write, and other guests may read the file too"),
	KEY_ROW(FLAG, "direct", FIELD(direct), .help = "Go round the host's page cache"),
	KEY_ROW(STRING, "serial", FIELD(serial), .min = 1, .max = VIRTIO_BLK_ID_BYTES,
		.check = blk_check_serial,
		.help = "Found in the guest as /dev/disk/by-id/virtio-TEXT"),
	KEY_ROW(U32, "queues", FIELD(queues), .min = 1, .max = BLK_MAX_QUEUES,
		.help = "Queues (default: one for each CPU, as far as that goes)"),
	{ 0 },
};

static const struct option_row blk_options[] = {
	OPTION_ROW(
		DEVICE, "disk", .letter = 'd',
		.argument = "FILE[,ro][,direct][,serial=TEXT][,queues=N]", .keys = blk_keys,
		.repeats = true, .help = "Disk on a raw image or a block device",
		.man = "--disk vhost-user=PATH[,queues=N]: a disk that another process serves, which listens "
		       "on the socket PATH: qemu-storage-daemon(1) for example, with an image of its own, in any "
		       "format. Guest memory is shared with it: without --mem-backend it is memfd then. See "
		       "Documentation/vhost-user.md."),
	{ 0 },
};

static int blk_check(const struct vm_config *vm_config, const void *record, unsigned index)
{
	const struct disk_config *config = record;

	if (!config->back_end)
		return 0;
	if (!config->readonly && !config->direct && !config->serial)
		return vhost_user_check(vm_config, "disk");
	log_fatal(
		"--disk vhost-user=%s: ro, direct and serial= are its back end's to say; leave them out here",
		config->back_end);
	return -EINVAL;
}

static bool blk_shares_memory(const void *record)
{
	return ((const struct disk_config *)record)->back_end;
}

/* One of them. */
struct blk_opened {
	struct disk *disk;
	struct vhost_user *seat;
};

static int blk_open(struct vm *vm, const void *record, unsigned index, void **opened)
{
	const struct disk_config *config = record;
	struct blk_opened *blk = calloc(1, sizeof(*blk));
	int err;

	if (!blk)
		return -ENOMEM;
	err = config->back_end ? blk_remote_open(&blk->seat, config)
			       : disk_open(&blk->disk, config);
	if (err)
		free(blk);
	else
		*opened = blk;
	return err;
}

static void blk_close(void *opened)
{
	struct blk_opened *blk = opened;

	if (blk->disk)
		disk_close(blk->disk);
	vhost_user_close(blk->seat);
	free(blk);
}

static int blk_create(struct vm *vm, const void *record, unsigned index, void **opened)
{
	const struct disk_config *config = record;
	unsigned queues = config->queues ?: MIN(vm->config->cpus ?: 1, BLK_MAX_QUEUES);
	struct blk_opened taken = *(struct blk_opened *)*opened;
	struct virtio_blk *blk;

	free(*opened);
	*opened = NULL;
	if (taken.seat)
		return blk_remote_create(vm, config, index, taken.seat);
	blk = blk_new(vm, taken.disk, config, index, queues);
	return blk ? virtio_attach(&blk->dev, vm) : -ENOMEM;
}

const struct device_kind virtio_blk_kind = {
	.config = {
		.name = "blk",
		.max = 26,
		.size = sizeof(struct disk_config),
		.rows = blk_options,
		.group = OPTION_GROUP_DISKS,
		.check = blk_check,
		.shares_memory = blk_shares_memory,
	},
	.open = blk_open,
	.close = blk_close,
	.create = blk_create,
};
