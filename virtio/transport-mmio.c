/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio over MMIO (virtio 1.3, 4.2): 32-bit little-endian registers, one level interrupt. Version 2 or,
 * for a legacy device, version 1 (4.2.4): queues are one area each, told by page numbers.
 */
#include <errno.h>
#include <linux/virtio_mmio.h>
#include <stdlib.h>
#include <string.h>
#include "lkvm/vm/bus.h"
#include "lkvm/util/log.h"
#include "lkvm/virtio/core.h"
#include "lkvm/vm/vm.h"

#define MMIO_MAGIC    0x74726976 /* "virt" */
#define MMIO_VENDOR   0x4d564b4c /* "LKVM" */
#define MMIO_MIN_SIZE 0x200

/* Version 1's registers, as the driver wrote them: checked when a queue is told. vCPU threads. */
struct virtio_mmio_state {
	_Atomic u32 page_size, align[VIRTIO_MAX_QUEUES];
};

struct virtio_mmio {
	struct virtio_transport transport;
	struct vm *vm;
	u64 base; /* constant, as the next */
	struct irq_line line;
	struct virtio_mmio_state state;
};

static struct virtio_mmio *to_mmio(struct virtio_transport *t)
{
	return CONTAINER_OF(t, struct virtio_mmio, transport);
}

/* ---- registers ---- */

#define REGISTERS	 (VIRTIO_MMIO_CONFIG / 4)
#define REGISTER(name)	 (VIRTIO_MMIO_##name / 4)
#define MMIO_QUEUE_RESET (0x0c0 / 4)

static const u8 read_as[REGISTERS] = {
	[REGISTER(DEVICE_FEATURES)] = REG_DEVICE_FEATURES,
	[REGISTER(QUEUE_NUM_MAX)] = REG_QUEUE_MAX,
	[REGISTER(QUEUE_READY)] = REG_QUEUE_ENABLE,
	[REGISTER(STATUS)] = REG_STATUS,
	[REGISTER(CONFIG_GENERATION)] = REG_GENERATION,
};

static const u8 written_as[REGISTERS] = {
	[REGISTER(DEVICE_FEATURES_SEL)] = REG_DEVICE_SELECT,
	[REGISTER(DRIVER_FEATURES)] = REG_DRIVER_FEATURES,
	[REGISTER(DRIVER_FEATURES_SEL)] = REG_DRIVER_SELECT,
	[REGISTER(QUEUE_SEL)] = REG_QUEUE_SELECT,
	[REGISTER(QUEUE_NUM)] = REG_QUEUE_SIZE,
	[REGISTER(QUEUE_READY)] = REG_QUEUE_ENABLE,
	[REGISTER(QUEUE_NOTIFY)] = REG_NOTIFY,
	[REGISTER(STATUS)] = REG_STATUS,
	[REGISTER(QUEUE_DESC_LOW)] = REG_DESC_LOW,
	[REGISTER(QUEUE_DESC_HIGH)] = REG_DESC_HIGH,
	[REGISTER(QUEUE_AVAIL_LOW)] = REG_AVAIL_LOW,
	[REGISTER(QUEUE_AVAIL_HIGH)] = REG_AVAIL_HIGH,
	[REGISTER(QUEUE_USED_LOW)] = REG_USED_LOW,
	[REGISTER(QUEUE_USED_HIGH)] = REG_USED_HIGH,
	[MMIO_QUEUE_RESET] = REG_QUEUE_RESET,
};

static bool is_of_version2(u32 offset)
{
	return offset == VIRTIO_MMIO_QUEUE_READY || offset > VIRTIO_MMIO_STATUS;
}

static u32 read_area(struct virtio_mmio *mmio)
{
	u32 page_size = mmio->state.page_size;

	return page_size ? virtio_queue_area(mmio->transport.dev) / page_size : 0;
}

static u32 read_register(struct virtio_mmio *mmio, u32 offset)
{
	struct virtio_device *dev = mmio->transport.dev;

	if (dev->legacy && is_of_version2(offset))
		return 0;
	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MMIO_MAGIC;
	case VIRTIO_MMIO_VERSION:
		return dev->legacy ? 1 : 2;
	case VIRTIO_MMIO_DEVICE_ID:
		return dev->ops->type;
	case VIRTIO_MMIO_VENDOR_ID:
		return MMIO_VENDOR;
	case VIRTIO_MMIO_QUEUE_PFN:
		return dev->legacy ? read_area(mmio) : 0;
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return virtio_isr(&mmio->transport, 0);
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return ~0U; /* there is no shared memory region */
	default:
		return virtio_read(dev, read_as[offset / 4]);
	}
}

static void set_area(struct virtio_mmio *mmio, u32 queue, u32 page)
{
	struct virtio_device *dev = mmio->transport.dev;
	u32 page_size = mmio->state.page_size;

	if (page && !IS_POWER_OF_2(page_size))
		virtio_break(dev, "queue %u is on page %u of %u bytes", queue, page, page_size);
	else
		virtio_queue_set_area(dev, (gpa_t)page * page_size, mmio->state.align[queue]);
}

static void write_version1(struct virtio_mmio *mmio, u32 offset, u32 value)
{
	u32 queue = mmio->transport.dev->state.queue_select;

	if (offset == VIRTIO_MMIO_GUEST_PAGE_SIZE)
		mmio->state.page_size = value;
	else if (queue >= mmio->transport.dev->nr_queues)
		return;
	else if (offset == VIRTIO_MMIO_QUEUE_ALIGN)
		mmio->state.align[queue] = value;
	else
		set_area(mmio, queue, value);
}

/* Drivers tell version 1's page size before they reset the device for the first time. */
static void write_status(struct virtio_mmio *mmio, u32 value)
{
	u32 page_size = mmio->state.page_size;

	virtio_write(mmio->transport.dev, REG_STATUS, value);
	mmio->state.page_size = page_size;
}

static void write_register(struct virtio_mmio *mmio, u32 offset, u32 value)
{
	struct virtio_device *dev = mmio->transport.dev;

	if (dev->legacy && is_of_version2(offset))
		return;
	switch (offset) {
	case VIRTIO_MMIO_GUEST_PAGE_SIZE:
	case VIRTIO_MMIO_QUEUE_ALIGN:
	case VIRTIO_MMIO_QUEUE_PFN:
		if (dev->legacy)
			write_version1(mmio, offset, value);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		virtio_isr(&mmio->transport, value);
		break;
	case VIRTIO_MMIO_STATUS:
		write_status(mmio, value);
		break;
	default:
		virtio_write(dev, written_as[offset / 4], value);
	}
}

static bool is_register(u64 offset, unsigned len)
{
	return len == 4 && IS_ALIGNED(offset, 4);
}

static void mmio_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	struct virtio_mmio *mmio = opaque;

	if (offset >= VIRTIO_MMIO_CONFIG)
		virtio_config_read(mmio->transport.dev, offset - VIRTIO_MMIO_CONFIG, data, len);
	else
		bus_put(data, len, is_register(offset, len) ? read_register(mmio, offset) : 0);
}

static void mmio_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct virtio_mmio *mmio = opaque;

	if (offset >= VIRTIO_MMIO_CONFIG)
		virtio_config_write(mmio->transport.dev, offset - VIRTIO_MMIO_CONFIG, data, len);
	else if (is_register(offset, len))
		write_register(mmio, offset, bus_get(data, len));
}

static const struct bus_ops mmio_bus_ops = { .read = mmio_read, .write = mmio_write };

/* ---- the core's side ---- */

static void mmio_set_line(struct virtio_transport *t, bool level)
{
	irq_line_set(&to_mmio(t)->line, level);
}

static bool mmio_doorbell(struct virtio_transport *t, unsigned queue, struct ioeventfd *bell)
{
	*bell = (struct ioeventfd){
		.address = to_mmio(t)->base + VIRTIO_MMIO_QUEUE_NOTIFY,
		.len = 4,
		.match = true,
		.value = queue,
	};
	return true;
}

static void mmio_reset(struct virtio_transport *t)
{
	struct virtio_mmio *mmio = to_mmio(t);

	mmio->state.page_size = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(mmio->state.align); i++)
		mmio->state.align[i] = 0;
}

static void mmio_destroy(struct virtio_transport *t)
{
	struct virtio_mmio *mmio = to_mmio(t);

	bus_remove(mmio->vm->mmio, mmio->base);
	free(mmio);
}

static const struct virtio_transport_ops mmio_transport_ops = {
	.set_line = mmio_set_line,
	.doorbell = mmio_doorbell,
	.reset = mmio_reset,
	.destroy = mmio_destroy,
};

int virtio_mmio_attach(struct virtio_device *dev, struct vm *vm,
		       const struct device_resource *where, int gsi)
{
	struct virtio_mmio *mmio = calloc(1, sizeof(*mmio));
	struct device_description *d = &dev->device.description;
	int err;

	if (!mmio)
		return -ENOMEM;
	mmio->transport.ops = &mmio_transport_ops;
	mmio->transport.dev = dev;
	mmio->vm = vm;
	mmio->base = where->base;
	mmio->line = irq_line(vm, gsi);
	err = where->size < MMIO_MIN_SIZE
		      ? -EINVAL
		      : bus_add(vm->mmio, where->base, where->size, &mmio_bus_ops, mmio);
	if (err) {
		log_error("%s: no place at 0x%llx for its registers: %s", dev->device.name,
			  (unsigned long long)where->base, strerror(-err));
		free(mmio);
		return err;
	}
	d->compatible = "virtio,mmio";
	d->acpi_hid = "LNRO0005";
	d->node_name = "virtio_mmio";
	d->dma_coherent = true;
	d->where = *where;
	d->gsi = gsi;
	dev->transport = &mmio->transport;
	return 0;
}
