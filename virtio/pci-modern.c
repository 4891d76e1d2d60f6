/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of a virtio 1 function (virtio 1.3, 4.1). One BAR holds the four structures a page apart,
 * another MSI-X. Every queue has a doorbell of its own, so that an ioeventfd needs no data match.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <string.h>
#include "virtio-pci.h"

#define VIRTIO_FIRST_DEVICE 0x1040
#define VIRTIO_REVISION	    1

#define VIRTIO_BAR   0 /* 64-bit: takes BAR 1 too */
#define MSIX_BAR     2
#define COMMON_START 0x0000
#define ISR_START    0x1000
#define DEVICE_START 0x2000
#define NOTIFY_START 0x3000
#define PART_SIZE    0x1000
#define BAR_SIZE     0x4000

#define NOTIFY_MULTIPLIER 4

/* Registers behind what the oldest kernel headers know (virtio 1.3, 4.1.4.3). */
#define COMMON_NOTIFY_DATA 56
#define COMMON_QUEUE_RESET 58
#define COMMON_SIZE	   64

_Static_assert(sizeof(struct virtio_pci_cap) == 16, "virtio 1.3, 4.1.4");
_Static_assert(sizeof(struct virtio_pci_notify_cap) == 20, "virtio 1.3, 4.1.4.4");
_Static_assert(sizeof(struct virtio_pci_cfg_cap) == 20, "virtio 1.3, 4.1.4.9");
_Static_assert(sizeof(struct virtio_pci_common_cfg) == 56, "virtio 1.3, 4.1.4.3");

/* ---- common configuration ---- */

struct field {
	u8 offset, size;
};

#define FIELD(member)                                                                              \
	{                                                                                          \
		offsetof(struct virtio_pci_common_cfg, member),                                    \
			sizeof(((struct virtio_pci_common_cfg *)0)->member)                        \
	}

static const struct field fields[] = {
	FIELD(device_feature_select), FIELD(device_feature),
	FIELD(guest_feature_select),  FIELD(guest_feature),
	FIELD(msix_config),	      FIELD(num_queues),
	FIELD(device_status),	      FIELD(config_generation),
	FIELD(queue_select),	      FIELD(queue_size),
	FIELD(queue_msix_vector),     FIELD(queue_enable),
	FIELD(queue_notify_off),      FIELD(queue_desc_lo),
	FIELD(queue_desc_hi),	      FIELD(queue_avail_lo),
	FIELD(queue_avail_hi),	      FIELD(queue_used_lo),
	FIELD(queue_used_hi),	      { COMMON_NOTIFY_DATA, 2 },
	{ COMMON_QUEUE_RESET, 2 },
};

/* Descriptors, driver's area, device's area: 8 bytes each, the lower half first. */
static enum virtio_ring_part ring_part(unsigned offset)
{
	return RING_DESC + (offset - VIRTIO_PCI_COMMON_Q_DESCLO) / 8;
}

static u32 read_field(struct virtio_pci *vp, unsigned offset)
{
	struct virtio_device *dev = vp->transport.dev;
	unsigned queue = vp->state.queue_select;
	bool exists = queue < dev->nr_queues;

	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return vp->state.device_select;
	case VIRTIO_PCI_COMMON_DF:
		return virtio_get_device_features(dev, vp->state.device_select);
	case VIRTIO_PCI_COMMON_GFSELECT:
		return vp->state.driver_select;
	case VIRTIO_PCI_COMMON_GF:
		return virtio_get_driver_features(dev, vp->state.driver_select);
	case VIRTIO_PCI_COMMON_MSIX:
		return vp->state.config_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return dev->nr_queues;
	case VIRTIO_PCI_COMMON_STATUS:
		return virtio_get_status(dev);
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return virtio_config_generation(dev);
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return queue;
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return virtio_queue_size(dev, queue);
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return exists ? vp->state.queue_vector[queue] : VIRTIO_MSI_NO_VECTOR;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return virtio_queue_enabled(dev, queue);
	case VIRTIO_PCI_COMMON_Q_NOFF:
	case COMMON_NOTIFY_DATA:
		return exists ? queue : 0;
	case VIRTIO_PCI_COMMON_Q_DESCLO ... VIRTIO_PCI_COMMON_Q_USEDHI:
		return virtio_queue_address(dev, queue, ring_part(offset), offset & 4);
	default:
		/* queue_reset too: a reset is over before the write returns. */
		return 0;
	}
}

static void write_field(struct virtio_pci *vp, unsigned offset, u32 value)
{
	struct virtio_device *dev = vp->transport.dev;
	unsigned queue = vp->state.queue_select;

	switch (offset) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		vp->state.device_select = value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		vp->state.driver_select = value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		virtio_set_driver_features(dev, vp->state.driver_select, value);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		vp->state.config_vector = virtio_pci_vector(vp, value);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		virtio_set_status(dev, value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		vp->state.queue_select = value;
		break;
	case VIRTIO_PCI_COMMON_Q_SIZE:
		virtio_queue_set_size(dev, queue, value);
		break;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		if (queue < dev->nr_queues)
			vp->state.queue_vector[queue] = virtio_pci_vector(vp, value);
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		/* 0 is no way to stop a queue here. */
		if (value == 1)
			virtio_queue_set_enabled(dev, queue, true);
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO ... VIRTIO_PCI_COMMON_Q_USEDHI:
		virtio_queue_set_address(dev, queue, ring_part(offset), offset & 4, value);
		break;
	case COMMON_QUEUE_RESET:
		if (value == 1)
			virtio_queue_reset(dev, queue);
		break;
	}
}

/* Reads may have any width; only the fields that they touch are looked at. */
static void common_read(struct virtio_pci *vp, unsigned offset, u8 *data, unsigned len)
{
	memset(data, 0, len);
	for (unsigned f = 0; f < ARRAY_SIZE(fields); f++) {
		unsigned at = fields[f].offset, size = fields[f].size;
		u32 value;

		if (at >= offset + len || offset >= at + size)
			continue;
		value = read_field(vp, at);
		for (unsigned i = 0; i < size; i++)
			if (at + i >= offset && at + i < offset + len)
				data[at + i - offset] = value >> (8 * i);
	}
}

/* Writes must be a field's whole width, as the specification wants; 8 bytes are two of 4. */
static void common_write(struct virtio_pci *vp, unsigned offset, const u8 *data, unsigned len)
{
	if (len == 8) {
		common_write(vp, offset, data, 4);
		common_write(vp, offset + 4, data + 4, 4);
		return;
	}
	for (unsigned f = 0; f < ARRAY_SIZE(fields); f++)
		if (fields[f].offset == offset && fields[f].size == len)
			write_field(vp, offset, bus_get(data, len));
}

/* ---- the BAR ---- */

static void vp_read(struct pci_device *pci, unsigned bar, u64 offset, u8 *data, unsigned len)
{
	struct virtio_pci *vp = CONTAINER_OF(pci, struct virtio_pci, pci);
	unsigned at = offset % PART_SIZE;

	memset(data, 0, len);
	switch (offset - at) {
	case COMMON_START:
		common_read(vp, at, data, len);
		break;
	case ISR_START:
		if (!at)
			data[0] = virtio_pci_take_isr(vp);
		break;
	case DEVICE_START:
		virtio_config_read(vp->transport.dev, at, data, len);
		break;
	}
}

static void vp_write(struct pci_device *pci, unsigned bar, u64 offset, const u8 *data, unsigned len)
{
	struct virtio_pci *vp = CONTAINER_OF(pci, struct virtio_pci, pci);
	unsigned at = offset % PART_SIZE;

	switch (offset - at) {
	case COMMON_START:
		common_write(vp, at, data, len);
		break;
	case DEVICE_START:
		virtio_config_write(vp->transport.dev, at, data, len);
		break;
	case NOTIFY_START:
		if (at % NOTIFY_MULTIPLIER == 0)
			virtio_queue_notified(vp->transport.dev, at / NOTIFY_MULTIPLIER);
		break;
	}
}

static const struct pci_bar_ops vp_bar_ops = { .read = vp_read, .write = vp_write };

/* ---- the window in configuration space, for firmware that cannot map BARs ---- */

#define WINDOW_DATA (offsetof(struct virtio_pci_cfg_cap, pci_cfg_data))

/* Where it points, if that is a proper access of our BAR; its length, or 0. */
static unsigned window_access(struct virtio_pci *vp, unsigned offset, unsigned len, u32 *at)
{
	const u8 *cap = &vp->pci.state.config[vp->window];
	u32 size = bus_get(cap + offsetof(struct virtio_pci_cap, length), 4);

	*at = bus_get(cap + offsetof(struct virtio_pci_cap, offset), 4);
	if (offset >= vp->window + WINDOW_DATA + 4 || offset + len <= vp->window + WINDOW_DATA)
		return 0;
	if (cap[offsetof(struct virtio_pci_cap, bar)] != VIRTIO_BAR)
		return 0;
	if ((size != 1 && size != 2 && size != 4) || !IS_ALIGNED(*at, size) || *at >= BAR_SIZE)
		return 0;
	return size;
}

static void vp_config_reading(struct pci_device *pci, unsigned offset, unsigned len)
{
	struct virtio_pci *vp = CONTAINER_OF(pci, struct virtio_pci, pci);
	unsigned size;
	u32 at;

	size = window_access(vp, offset, len, &at);
	if (size)
		vp_read(pci, VIRTIO_BAR, at, &pci->state.config[vp->window + WINDOW_DATA], size);
}

static void vp_config_written(struct pci_device *pci, unsigned offset, unsigned len)
{
	struct virtio_pci *vp = CONTAINER_OF(pci, struct virtio_pci, pci);
	unsigned size;
	u32 at;

	size = window_access(vp, offset, len, &at);
	if (size)
		vp_write(pci, VIRTIO_BAR, at, &pci->state.config[vp->window + WINDOW_DATA], size);
}

static int add_structure(struct virtio_pci *vp, u8 type, u32 offset, u32 length, unsigned cap_len,
			 u32 last)
{
	struct virtio_pci_notify_cap cap = {
		.cap = {
			.cap_len = cap_len,
			.cfg_type = type,
			.bar = VIRTIO_BAR,
			.offset = htole32(offset),
			.length = htole32(length),
		},
		.notify_off_multiplier = htole32(last),
	};

	return pci_add_capability(&vp->pci, PCI_CAP_ID_VNDR, (u8 *)&cap + 2, cap_len - 2);
}

static int add_capabilities(struct virtio_pci *vp)
{
	struct virtio_device *dev = vp->transport.dev;
	const unsigned plain = sizeof(struct virtio_pci_cap);
	u8 *writable;
	int at;

	at = add_structure(vp, VIRTIO_PCI_CAP_COMMON_CFG, COMMON_START, COMMON_SIZE, plain, 0);
	if (at >= 0)
		at = add_structure(vp, VIRTIO_PCI_CAP_ISR_CFG, ISR_START, 1, plain, 0);
	/* A device without configuration has no such structure. */
	if (at >= 0 && dev->ops->config_size)
		at = add_structure(vp, VIRTIO_PCI_CAP_DEVICE_CFG, DEVICE_START,
				   dev->ops->config_size, plain, 0);
	if (at >= 0)
		at = add_structure(vp, VIRTIO_PCI_CAP_NOTIFY_CFG, NOTIFY_START,
				   dev->nr_queues * NOTIFY_MULTIPLIER,
				   sizeof(struct virtio_pci_notify_cap), NOTIFY_MULTIPLIER);
	if (at >= 0)
		at = add_structure(vp, VIRTIO_PCI_CAP_PCI_CFG, 0, 0,
				   sizeof(struct virtio_pci_cfg_cap), 0);
	if (at < 0)
		return at;
	vp->window = at;
	writable = &vp->pci.writable[at];
	writable[offsetof(struct virtio_pci_cap, bar)] = 0xff;
	memset(writable + offsetof(struct virtio_pci_cap, offset), 0xff, 12);
	return pci_add_msix(&vp->pci, MSIX_BAR, vp->nr_vectors);
}

/* Any length: KVM then need not decode the instruction. */
static void doorbell(unsigned queue, struct virtio_doorbell *bell)
{
	bell->offset = NOTIFY_START + queue * NOTIFY_MULTIPLIER;
}

static int identify(u32 type, u16 *device, u16 *subsystem)
{
	*device = *subsystem = VIRTIO_FIRST_DEVICE + type;
	return 0;
}

static int add_modern(struct virtio_pci *vp)
{
	vp->pci.config_written = vp_config_written;
	vp->pci.config_reading = vp_config_reading;
	pci_set_bar(&vp->pci, VIRTIO_BAR, BAR_SIZE, true, &vp_bar_ops);
	return add_capabilities(vp);
}

const struct virtio_pci_registers virtio_pci_modern = {
	.bar = VIRTIO_BAR,
	.revision = VIRTIO_REVISION,
	.identify = identify,
	.add = add_modern,
	.doorbell = doorbell,
};
