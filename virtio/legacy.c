/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the legacy interface has of its own beside the device core's life of a device. */
#include <linux/virtio_ring.h>
#include "lkvm/virtio/core.h"

#define LEGACY_FEATURES 0xffffffffULL

void virtio_set_legacy(struct virtio_device *dev)
{
	dev->legacy = true;
	dev->device_features &= LEGACY_FEATURES;
}

static void set_address(struct virtio_device *dev, enum virtio_register low, gpa_t address)
{
	virtio_write(dev, low, address);
	virtio_write(dev, low + 1, address >> 32);
}

/* Wherever a hostile driver makes the parts lie, enabling checks each of them. */
static void set_parts(struct virtio_device *dev, gpa_t gpa, u32 align)
{
	u64 size = virtio_read(dev, REG_QUEUE_SIZE);
	gpa_t avail = gpa + size * sizeof(struct vring_desc);
	/* Flags, index, the ring, and the used event. */
	gpa_t end = avail + (3 + size) * sizeof(u16);

	set_address(dev, REG_DESC_LOW, gpa);
	set_address(dev, REG_AVAIL_LOW, avail);
	set_address(dev, REG_USED_LOW, ALIGN_UP(end, (gpa_t)align));
	virtio_write(dev, REG_QUEUE_ENABLE, 1);
}

void virtio_queue_set_area(struct virtio_device *dev, gpa_t gpa, u32 align)
{
	if (!gpa)
		virtio_write(dev, REG_QUEUE_ENABLE, 0);
	else if (!IS_POWER_OF_2(align))
		virtio_break(dev, "queue %u: alignment %u", dev->state.queue_select, align);
	else
		set_parts(dev, gpa, align);
}

gpa_t virtio_queue_area(struct virtio_device *dev)
{
	if (!virtio_read(dev, REG_QUEUE_ENABLE))
		return 0;
	return virtio_read(dev, REG_DESC_LOW) | (gpa_t)virtio_read(dev, REG_DESC_HIGH) << 32;
}
