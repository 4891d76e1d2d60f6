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
	u8 offset, size, reg;
};

#define FIELD(member, reg)                                                                         \
	{                                                                                          \
		offsetof(struct virtio_pci_common_cfg, member),                                    \
			SIZE_OF(struct virtio_pci_common_cfg, member), reg                         \
	}

static const struct field fields[] = {
	FIELD(device_feature_select, REG_DEVICE_SELECT),
	FIELD(device_feature, REG_DEVICE_FEATURES),
	FIELD(guest_feature_select, REG_DRIVER_SELECT),
	FIELD(guest_feature, REG_DRIVER_FEATURES),
	FIELD(msix_config, REG_CONFIG_VECTOR),
	FIELD(num_queues, REG_NUM_QUEUES),
	FIELD(device_status, REG_STATUS),
	FIELD(config_generation, REG_GENERATION),
	FIELD(queue_select, REG_QUEUE_SELECT),
	FIELD(queue_size, REG_QUEUE_SIZE),
	FIELD(queue_msix_vector, REG_QUEUE_VECTOR),
	FIELD(queue_enable, REG_QUEUE_ENABLE),
	FIELD(queue_notify_off, REG_QUEUE_NUMBER),
	FIELD(queue_desc_lo, REG_DESC_LOW),
	FIELD(queue_desc_hi, REG_DESC_HIGH),
	FIELD(queue_avail_lo, REG_AVAIL_LOW),
	FIELD(queue_avail_hi, REG_AVAIL_HIGH),
	FIELD(queue_used_lo, REG_USED_LOW),
	FIELD(queue_used_hi, REG_USED_HIGH),
	{ COMMON_NOTIFY_DATA, 2, REG_QUEUE_NUMBER },
	{ COMMON_QUEUE_RESET, 2, REG_QUEUE_RESET },
};

/* Reads may have any width; only the fields that they touch are looked at. */
static void common_read(struct virtio_pci *vp, unsigned offset, u8 *data, unsigned len)
{
	memset(data, 0, len);
	for (unsigned f = 0; f < ARRAY_SIZE(fields); f++) {
		unsigned at = fields[f].offset, size = fields[f].size;
		u32 value;

		if (at >= offset + len || offset >= at + size)
			continue;
		value = virtio_pci_read(vp, fields[f].reg);
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
	for (unsigned f = 0; f < ARRAY_SIZE(fields); f++) {
		u32 value = bus_get(data, len);

		if (fields[f].offset != offset || fields[f].size != len)
			continue;
		/* 0 is no way to stop a queue here. */
		if (fields[f].reg != REG_QUEUE_ENABLE || value == 1)
			virtio_pci_write(vp, fields[f].reg, value);
	}
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
			data[0] = virtio_isr(&vp->transport, 0xff);
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
			virtio_write(vp->transport.dev, REG_NOTIFY, at / NOTIFY_MULTIPLIER);
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

static int modern_identify(u32 type, u16 *device, u16 *subsystem)
{
	*device = *subsystem = VIRTIO_FIRST_DEVICE + type;
	return 0;
}

static int add_modern(struct virtio_pci *vp)
{
	vp->pci.config_written = vp_config_written;
	vp->pci.config_reading = vp_config_reading;
	pci_set_bar(&vp->pci, VIRTIO_BAR, PCI_BAR_MEMORY_64, BAR_SIZE, &vp_bar_ops);
	return add_capabilities(vp);
}

const struct virtio_pci_registers virtio_pci_modern = {
	.bar = VIRTIO_BAR,
	.revision = VIRTIO_REVISION,
	.identify = modern_identify,
	.add = add_modern,
	.doorbell = NOTIFY_START,
	.doorbell_step = NOTIFY_MULTIPLIER,
};
