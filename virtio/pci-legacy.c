/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of a legacy function (virtio 1.3, 4.1.4.8): one I/O BAR, little-endian like all of PCI but
 * for the device's own configuration behind them. Queues are as large as the device says, and told by the
 * number of their first 4 KiB page. Another BAR holds MSI-X.
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>
#include <string.h>
#include "virtio-pci.h"

#define LEGACY_BAR  0
#define MSIX_BAR    1
#define BAR_SIZE    256
#define PAGE_SHIFT  VIRTIO_PCI_QUEUE_ADDR_SHIFT
#define QUEUE_ALIGN VIRTIO_PCI_VRING_ALIGN

#define VECTORS	      VIRTIO_MSI_CONFIG_VECTOR /* there only while MSI-X is on */
#define REGISTERS_END (VIRTIO_MSI_QUEUE_VECTOR + 2)

_Static_assert(VECTORS == 20 && REGISTERS_END == 24, "virtio 1.3, 4.1.4.8");

/* How wide the register at an offset is; 0: none begins there. */
static const u8 width[REGISTERS_END] = {
	[VIRTIO_PCI_HOST_FEATURES] = 4, [VIRTIO_PCI_GUEST_FEATURES] = 4,
	[VIRTIO_PCI_QUEUE_PFN] = 4,	[VIRTIO_PCI_QUEUE_NUM] = 2,
	[VIRTIO_PCI_QUEUE_SEL] = 2,	[VIRTIO_PCI_QUEUE_NOTIFY] = 2,
	[VIRTIO_PCI_STATUS] = 1,	[VIRTIO_PCI_ISR] = 1,
	[VIRTIO_MSI_CONFIG_VECTOR] = 2, [VIRTIO_MSI_QUEUE_VECTOR] = 2,
};

static u32 config_start(struct virtio_pci *vp)
{
	return pci_msix_enabled(&vp->pci) ? REGISTERS_END : VECTORS;
}

static u32 read_register(struct virtio_pci *vp, u64 offset)
{
	struct virtio_device *dev = vp->transport.dev;
	unsigned queue = vp->state.queue_select;

	switch (offset) {
	case VIRTIO_PCI_HOST_FEATURES:
		return virtio_get_device_features(dev, 0);
	case VIRTIO_PCI_GUEST_FEATURES:
		return virtio_get_driver_features(dev, 0);
	case VIRTIO_PCI_QUEUE_PFN:
		return virtio_queue_area(dev, queue) >> PAGE_SHIFT;
	case VIRTIO_PCI_QUEUE_NUM:
		return virtio_queue_max(dev, queue);
	case VIRTIO_PCI_QUEUE_SEL:
		return queue;
	case VIRTIO_PCI_STATUS:
		return virtio_get_status(dev);
	case VIRTIO_PCI_ISR:
		return virtio_pci_take_isr(vp);
	case VIRTIO_MSI_CONFIG_VECTOR:
		return vp->state.config_vector;
	case VIRTIO_MSI_QUEUE_VECTOR:
		return queue < dev->nr_queues ? vp->state.queue_vector[queue]
					      : VIRTIO_MSI_NO_VECTOR;
	default:
		return 0;
	}
}

static void write_register(struct virtio_pci *vp, u64 offset, u32 value)
{
	struct virtio_device *dev = vp->transport.dev;
	unsigned queue = vp->state.queue_select;

	switch (offset) {
	case VIRTIO_PCI_GUEST_FEATURES:
		virtio_set_driver_features(dev, 0, value);
		break;
	case VIRTIO_PCI_QUEUE_PFN:
		virtio_queue_set_area(dev, queue, (gpa_t)value << PAGE_SHIFT, QUEUE_ALIGN);
		break;
	case VIRTIO_PCI_QUEUE_SEL:
		vp->state.queue_select = value;
		break;
	case VIRTIO_PCI_QUEUE_NOTIFY:
		virtio_queue_notified(dev, value);
		break;
	case VIRTIO_PCI_STATUS:
		virtio_set_status(dev, value);
		break;
	case VIRTIO_MSI_CONFIG_VECTOR:
		vp->state.config_vector = virtio_pci_vector(vp, value);
		break;
	case VIRTIO_MSI_QUEUE_VECTOR:
		if (queue < dev->nr_queues)
			vp->state.queue_vector[queue] = virtio_pci_vector(vp, value);
		break;
	}
}

static void legacy_read(struct pci_device *pci, unsigned bar, u64 offset, u8 *data, unsigned len)
{
	struct virtio_pci *vp = CONTAINER_OF(pci, struct virtio_pci, pci);
	u32 start = config_start(vp);

	if (offset >= start)
		virtio_config_read(vp->transport.dev, offset - start, data, len);
	else
		bus_put(data, len, width[offset] == len ? read_register(vp, offset) : 0);
}

static void legacy_write(struct pci_device *pci, unsigned bar, u64 offset, const u8 *data,
			 unsigned len)
{
	struct virtio_pci *vp = CONTAINER_OF(pci, struct virtio_pci, pci);
	u32 start = config_start(vp);

	if (offset >= start)
		virtio_config_write(vp->transport.dev, offset - start, data, len);
	else if (width[offset] == len)
		write_register(vp, offset, bus_get(data, len));
}

static const struct pci_bar_ops legacy_bar_ops = { .read = legacy_read, .write = legacy_write };

/* One register for all queues. */
static void doorbell(unsigned queue, struct virtio_doorbell *bell)
{
	*bell = (struct virtio_doorbell){
		.offset = VIRTIO_PCI_QUEUE_NOTIFY,
		.len = 2,
		.match = true,
		.value = queue,
	};
}

/* They have numbers of their own (virtio 1.3, 4.1.2.1); drivers go by the subsystem's. */
static int identify(u32 type, u16 *device, u16 *subsystem)
{
	static const u16 numbers[] = {
		[VIRTIO_ID_NET] = VIRTIO_TRANS_ID_NET,
		[VIRTIO_ID_BLOCK] = VIRTIO_TRANS_ID_BLOCK,
		[VIRTIO_ID_CONSOLE] = VIRTIO_TRANS_ID_CONSOLE,
		[VIRTIO_ID_RNG] = VIRTIO_TRANS_ID_RNG,
		[VIRTIO_ID_BALLOON] = VIRTIO_TRANS_ID_BALLOON,
		[VIRTIO_ID_SCSI] = VIRTIO_TRANS_ID_SCSI,
		[VIRTIO_ID_9P] = VIRTIO_TRANS_ID_9P,
	};

	if (type >= ARRAY_SIZE(numbers) || !numbers[type])
		return -ENOTSUP;
	*device = numbers[type];
	*subsystem = type;
	return 0;
}

static int add_legacy(struct virtio_pci *vp)
{
	pci_set_io_bar(&vp->pci, LEGACY_BAR, BAR_SIZE, &legacy_bar_ops);
	return pci_add_msix(&vp->pci, MSIX_BAR, vp->nr_vectors);
}

const struct virtio_pci_registers virtio_pci_legacy = {
	.bar = LEGACY_BAR,
	.revision = VIRTIO_PCI_ABI_VERSION,
	.identify = identify,
	.add = add_legacy,
	.doorbell = doorbell,
};
