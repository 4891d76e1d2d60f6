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

static void set_address(struct virtio_device *dev, unsigned index, enum virtio_ring_part part,
			gpa_t address)
{
	virtio_queue_set_address(dev, index, part, false, address);
	virtio_queue_set_address(dev, index, part, true, address >> 32);
}

/* Wherever a hostile driver makes the parts lie, enabling checks each of them. */
static void set_parts(struct virtio_device *dev, unsigned index, gpa_t gpa, u32 align)
{
	u64 size = virtio_queue_size(dev, index);
	gpa_t avail = gpa + size * sizeof(struct vring_desc);
	/* Flags, index, the ring, and the used event. */
	gpa_t end = avail + (3 + size) * sizeof(u16);

	set_address(dev, index, RING_DESC, gpa);
	set_address(dev, index, RING_DRIVER, avail);
	set_address(dev, index, RING_DEVICE, ALIGN_UP(end, (gpa_t)align));
	virtio_queue_set_enabled(dev, index, true);
}

void virtio_queue_set_area(struct virtio_device *dev, unsigned index, gpa_t gpa, u32 align)
{
	if (index >= dev->nr_queues)
		return;
	if (!gpa)
		virtio_queue_set_enabled(dev, index, false);
	else if (!IS_POWER_OF_2(align))
		virtio_break(dev, "queue %u: alignment %u", index, align);
	else
		set_parts(dev, index, gpa, align);
}

gpa_t virtio_queue_area(struct virtio_device *dev, unsigned index)
{
	if (!virtio_queue_enabled(dev, index))
		return 0;
	return virtio_queue_address(dev, index, RING_DESC, false) |
	       (gpa_t)virtio_queue_address(dev, index, RING_DESC, true) << 32;
}
