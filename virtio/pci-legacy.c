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

enum { REG_ISR = REG_OF_SET, REG_QUEUE_PAGE };

/* What begins at an offset, and how wide it is. */
static const struct {
	u8 width, reg;
} registers[REGISTERS_END] = {
	[VIRTIO_PCI_HOST_FEATURES] = { 4, REG_DEVICE_FEATURES },
	[VIRTIO_PCI_GUEST_FEATURES] = { 4, REG_DRIVER_FEATURES },
	[VIRTIO_PCI_QUEUE_PFN] = { 4, REG_QUEUE_PAGE },
	[VIRTIO_PCI_QUEUE_NUM] = { 2, REG_QUEUE_MAX },
	[VIRTIO_PCI_QUEUE_SEL] = { 2, REG_QUEUE_SELECT },
	[VIRTIO_PCI_QUEUE_NOTIFY] = { 2, REG_NOTIFY },
	[VIRTIO_PCI_STATUS] = { 1, REG_STATUS },
	[VIRTIO_PCI_ISR] = { 1, REG_ISR },
	[VIRTIO_MSI_CONFIG_VECTOR] = { 2, REG_CONFIG_VECTOR },
	[VIRTIO_MSI_QUEUE_VECTOR] = { 2, REG_QUEUE_VECTOR },
};

static u32 config_start(struct virtio_pci *vp)
{
	return pci_msix_enabled(&vp->pci) ? REGISTERS_END : VECTORS;
}

static u32 read_register(struct virtio_pci *vp, unsigned reg)
{
	switch (reg) {
	case REG_ISR:
		return virtio_isr(&vp->transport, 0xff);
	case REG_QUEUE_PAGE:
		return virtio_queue_area(vp->transport.dev) >> PAGE_SHIFT;
	default:
		return virtio_pci_read(vp, reg);
	}
}

static void legacy_read(struct pci_device *pci, unsigned bar, u64 offset, u8 *data, unsigned len)
{
	struct virtio_pci *vp = CONTAINER_OF(pci, struct virtio_pci, pci);
	u32 start = config_start(vp);

	if (offset >= start)
		virtio_config_read(vp->transport.dev, offset - start, data, len);
	else
		bus_put(data, len,
			registers[offset].width == len ? read_register(vp, registers[offset].reg)
						       : 0);
}

static void legacy_write(struct pci_device *pci, unsigned bar, u64 offset, const u8 *data,
			 unsigned len)
{
	struct virtio_pci *vp = CONTAINER_OF(pci, struct virtio_pci, pci);
	struct virtio_device *dev = vp->transport.dev;
	u32 start = config_start(vp);

	if (offset >= start)
		virtio_config_write(dev, offset - start, data, len);
	else if (registers[offset].width != len || registers[offset].reg == REG_ISR)
		return;
	else if (registers[offset].reg == REG_QUEUE_PAGE)
		virtio_queue_set_area(dev, bus_get(data, len) << PAGE_SHIFT, QUEUE_ALIGN);
	else
		virtio_pci_write(vp, registers[offset].reg, bus_get(data, len));
}

static const struct pci_bar_ops legacy_bar_ops = { .read = legacy_read, .write = legacy_write };

/* They have numbers of their own (virtio 1.3, 4.1.2.1); drivers go by the subsystem's. */
static int legacy_identify(u32 type, u16 *device, u16 *subsystem)
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
	pci_set_bar(&vp->pci, LEGACY_BAR, PCI_BAR_IO, BAR_SIZE, &legacy_bar_ops);
	return pci_add_msix(&vp->pci, MSIX_BAR, vp->nr_vectors);
}

const struct virtio_pci_registers virtio_pci_legacy = {
	.bar = LEGACY_BAR,
	.revision = VIRTIO_PCI_ABI_VERSION,
	.identify = legacy_identify,
	.add = add_legacy,
	.doorbell = VIRTIO_PCI_QUEUE_NOTIFY,
};
