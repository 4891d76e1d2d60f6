/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio over MMIO (virtio 1.3, 4.2): 32-bit little-endian registers, one level interrupt. Version 2 or,
 * for a legacy device, version 1 (4.2.4): queues are one area each, told by page numbers.
 */
#include <errno.h>
#include <linux/virtio_mmio.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "lkvm/vm/bus.h"
#include "lkvm/util/log.h"
#include "lkvm/virtio/core.h"
#include "lkvm/vm/vm.h"

#define MMIO_MAGIC	 0x74726976 /* "virt" */
#define MMIO_VENDOR	 0x4d564b4c /* "LKVM" */
#define MMIO_QUEUE_RESET 0x0c0
#define MMIO_MIN_SIZE	 0x200

/* What a guest sees of it. */
struct virtio_mmio_state {
	/* vCPU threads. A driver that races with itself confuses nobody else. */
	_Atomic u32 device_select, driver_select, queue_select;
	/* Version 1, as the driver wrote them: checked when a queue is told. */
	_Atomic u32 page_size, align[VIRTIO_MAX_QUEUES];
	u32 interrupt_status; /* irq_lock */
};

struct virtio_mmio {
	struct virtio_transport transport;
	struct vm *vm;
	u64 base; /* constant, as the next */
	struct irq_line line;
	struct virtio_mmio_state state;
	_Atomic bool ioeventfd[VIRTIO_MAX_QUEUES]; /* dev->lock */
	pthread_mutex_t irq_lock; /* a leaf: the status and the line's level go together */
};

static struct virtio_mmio *to_mmio(struct virtio_transport *t)
{
	return CONTAINER_OF(t, struct virtio_mmio, transport);
}

/* ---- interrupts ---- */

static void update_status(struct virtio_mmio *mmio, u32 set, u32 clear)
{
	u32 before;

	pthread_mutex_lock(&mmio->irq_lock);
	before = mmio->state.interrupt_status;
	mmio->state.interrupt_status = (before | set) & ~clear;
	if (!before != !mmio->state.interrupt_status)
		irq_line_set(&mmio->line, mmio->state.interrupt_status != 0);
	pthread_mutex_unlock(&mmio->irq_lock);
}

static u32 read_status(struct virtio_mmio *mmio)
{
	u32 status;

	pthread_mutex_lock(&mmio->irq_lock);
	status = mmio->state.interrupt_status;
	pthread_mutex_unlock(&mmio->irq_lock);
	return status;
}

static void mmio_signal_queue(struct virtio_transport *t, unsigned index)
{
	update_status(to_mmio(t), VIRTIO_MMIO_INT_VRING, 0);
}

static void mmio_signal_config(struct virtio_transport *t)
{
	update_status(to_mmio(t), VIRTIO_MMIO_INT_CONFIG, 0);
}

/* ---- registers ---- */

static u32 read_version1(struct virtio_mmio *mmio, u32 offset)
{
	u32 page_size = mmio->state.page_size;

	if (offset != VIRTIO_MMIO_QUEUE_PFN || !page_size)
		return 0;
	return virtio_queue_area(mmio->transport.dev, mmio->state.queue_select) / page_size;
}

static u32 read_version2(struct virtio_mmio *mmio, u32 offset)
{
	struct virtio_device *dev = mmio->transport.dev;

	switch (offset) {
	case VIRTIO_MMIO_QUEUE_READY:
		return virtio_queue_enabled(dev, mmio->state.queue_select);
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return virtio_config_generation(dev);
	case VIRTIO_MMIO_SHM_LEN_LOW:
	case VIRTIO_MMIO_SHM_LEN_HIGH:
	case VIRTIO_MMIO_SHM_BASE_LOW:
	case VIRTIO_MMIO_SHM_BASE_HIGH:
		return ~0U; /* there is no shared memory region */
	default:
		return 0;
	}
}

static u32 read_register(struct virtio_mmio *mmio, u32 offset)
{
	struct virtio_device *dev = mmio->transport.dev;
	u32 queue = mmio->state.queue_select;

	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MMIO_MAGIC;
	case VIRTIO_MMIO_VERSION:
		return dev->legacy ? 1 : 2;
	case VIRTIO_MMIO_DEVICE_ID:
		return dev->ops->type;
	case VIRTIO_MMIO_VENDOR_ID:
		return MMIO_VENDOR;
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return virtio_get_device_features(dev, mmio->state.device_select);
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return virtio_queue_max(dev, queue);
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return read_status(mmio);
	case VIRTIO_MMIO_STATUS:
		return virtio_get_status(dev);
	default:
		return dev->legacy ? read_version1(mmio, offset) : read_version2(mmio, offset);
	}
}

static void set_area(struct virtio_mmio *mmio, u32 queue, u32 page)
{
	struct virtio_device *dev = mmio->transport.dev;
	u32 page_size = mmio->state.page_size;

	if (queue >= dev->nr_queues)
		return;
	if (page && !IS_POWER_OF_2(page_size))
		virtio_break(dev, "queue %u is on page %u of %u bytes", queue, page, page_size);
	else
		virtio_queue_set_area(dev, queue, (gpa_t)page * page_size,
				      mmio->state.align[queue]);
}

static void write_version1(struct virtio_mmio *mmio, u32 offset, u32 value)
{
	u32 queue = mmio->state.queue_select;

	switch (offset) {
	case VIRTIO_MMIO_GUEST_PAGE_SIZE:
		mmio->state.page_size = value;
		break;
	case VIRTIO_MMIO_QUEUE_ALIGN:
		if (queue < ARRAY_SIZE(mmio->state.align))
			mmio->state.align[queue] = value;
		break;
	case VIRTIO_MMIO_QUEUE_PFN:
		set_area(mmio, queue, value);
		break;
	}
}

static void write_version2(struct virtio_mmio *mmio, u32 offset, u32 value)
{
	struct virtio_device *dev = mmio->transport.dev;
	u32 queue = mmio->state.queue_select;

	switch (offset) {
	case VIRTIO_MMIO_QUEUE_READY:
		virtio_queue_set_enabled(dev, queue, value & 1);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		virtio_queue_set_address(dev, queue, RING_DESC,
					 offset == VIRTIO_MMIO_QUEUE_DESC_HIGH, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		virtio_queue_set_address(dev, queue, RING_DRIVER,
					 offset == VIRTIO_MMIO_QUEUE_AVAIL_HIGH, value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		virtio_queue_set_address(dev, queue, RING_DEVICE,
					 offset == VIRTIO_MMIO_QUEUE_USED_HIGH, value);
		break;
	case MMIO_QUEUE_RESET:
		if (value == 1)
			virtio_queue_reset(dev, queue);
		break;
	}
}

/* Drivers tell version 1's page size before they reset the device for the first time. */
static void write_device_status(struct virtio_mmio *mmio, u32 value)
{
	u32 page_size = mmio->state.page_size;

	virtio_set_status(mmio->transport.dev, value);
	mmio->state.page_size = page_size;
}

static void write_register(struct virtio_mmio *mmio, u32 offset, u32 value)
{
	struct virtio_device *dev = mmio->transport.dev;
	u32 queue = mmio->state.queue_select;

	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		mmio->state.device_select = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		mmio->state.driver_select = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		virtio_set_driver_features(dev, mmio->state.driver_select, value);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		mmio->state.queue_select = value;
		break;
	case VIRTIO_MMIO_QUEUE_NUM:
		virtio_queue_set_size(dev, queue, value);
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		virtio_queue_notified(dev, value);
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		update_status(mmio, 0, value);
		break;
	case VIRTIO_MMIO_STATUS:
		write_device_status(mmio, value);
		break;
	default:
		if (dev->legacy)
			write_version1(mmio, offset, value);
		else
			write_version2(mmio, offset, value);
		break;
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

static int mmio_queue_attach(struct virtio_transport *t, unsigned index, int kick_fd)
{
	struct virtio_mmio *mmio = to_mmio(t);
	int err = ioeventfd_assign(mmio->vm, kick_fd, mmio->base + VIRTIO_MMIO_QUEUE_NOTIFY, 4,
				   true, index, false);

	mmio->ioeventfd[index] = !err;
	return err;
}

static void mmio_queue_detach(struct virtio_transport *t, unsigned index, int kick_fd)
{
	struct virtio_mmio *mmio = to_mmio(t);

	if (mmio->ioeventfd[index])
		ioeventfd_deassign(mmio->vm, kick_fd, mmio->base + VIRTIO_MMIO_QUEUE_NOTIFY, 4,
				   true, index, false);
	mmio->ioeventfd[index] = false;
}

static void mmio_reset(struct virtio_transport *t)
{
	struct virtio_mmio *mmio = to_mmio(t);

	mmio->state.device_select = mmio->state.driver_select = mmio->state.queue_select = 0;
	mmio->state.page_size = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(mmio->state.align); i++)
		mmio->state.align[i] = 0;
	update_status(mmio, 0, ~0U);
}

static void mmio_destroy(struct virtio_transport *t)
{
	struct virtio_mmio *mmio = to_mmio(t);

	bus_remove(mmio->vm->mmio, mmio->base);
	pthread_mutex_destroy(&mmio->irq_lock);
	free(mmio);
}

static const struct virtio_transport_ops mmio_transport_ops = {
	.signal_queue = mmio_signal_queue,
	.signal_config = mmio_signal_config,
	.queue_attach = mmio_queue_attach,
	.queue_detach = mmio_queue_detach,
	.reset = mmio_reset,
	.destroy = mmio_destroy,
};

static void describe(struct device_description *d, const struct device_resource *where, int gsi)
{
	d->compatible = "virtio,mmio";
	d->acpi_hid = "LNRO0005";
	d->node_name = "virtio_mmio";
	d->dma_coherent = true;
	d->where = *where;
	d->gsi = gsi;
}

int virtio_mmio_attach(struct virtio_device *dev, struct vm *vm,
		       const struct device_resource *where, int gsi)
{
	struct virtio_mmio *mmio;
	int err = -EINVAL;

	if (where->size < MMIO_MIN_SIZE)
		goto fail;
	err = -ENOMEM;
	mmio = calloc(1, sizeof(*mmio));
	if (!mmio)
		goto fail;
	mmio->transport.ops = &mmio_transport_ops;
	mmio->transport.dev = dev;
	mmio->vm = vm;
	mmio->base = where->base;
	mmio->line = irq_line(vm, gsi);
	pthread_mutex_init(&mmio->irq_lock, NULL);
	err = bus_add(vm->mmio, where->base, where->size, &mmio_bus_ops, mmio);
	if (err) {
		pthread_mutex_destroy(&mmio->irq_lock);
		free(mmio);
		goto fail;
	}
	describe(&dev->device.description, where, gsi);
	dev->transport = &mmio->transport;
	return 0;
fail:
	log_error("%s: no place at 0x%llx for its registers: %s", dev->device.name,
		  (unsigned long long)where->base, strerror(-err));
	return err;
}
