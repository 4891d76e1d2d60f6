/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a device goes: behind the transport that the configuration names. */
#include <errno.h>
#include <string.h>
#include "lkvm/arch.h"
#include "lkvm/util/log.h"
#include "lkvm/pci/pci.h"
#include "lkvm/virtio/core.h"
#include "lkvm/vm/vm.h"

static unsigned count_mmio(struct vm *vm)
{
	struct device *device;
	unsigned nr = 0;

	device_for_each (device, &vm->devices)
		if (device->description.compatible &&
		    !strcmp(device->description.compatible, "virtio,mmio"))
			nr++;
	return nr;
}

static int attach_mmio(struct virtio_device *dev, struct vm *vm)
{
	struct device_resource where;
	unsigned index = count_mmio(vm);
	int gsi, err;

	err = arch_virtio_mmio_slot(vm, index, &where, &gsi);
	if (err) {
		log_error("%s: the board has places for %u virtio-mmio devices; use "
			  "--virtio-transport %s",
			  dev->device.name, index, dev->legacy ? "pci-legacy" : "pci");
		return err;
	}
	return virtio_mmio_attach(dev, vm, &where, gsi);
}

static int attach(struct virtio_device *dev, struct vm *vm)
{
	enum virtio_transport_kind kind = vm->config->transport;

	if (kind == TRANSPORT_MMIO_LEGACY || kind == TRANSPORT_PCI_LEGACY)
		virtio_set_legacy(dev);
	if (kind == TRANSPORT_MMIO || kind == TRANSPORT_MMIO_LEGACY)
		return attach_mmio(dev, vm);
	if (dev->legacy && vm->pci && !pci_host_board(vm->pci)->io_size) {
		log_error("--virtio-transport pci-legacy: this machine's PCI has no I/O ports; use "
			  "mmio-legacy, or pci with a driver of virtio 1");
		return -ENOTSUP;
	}
	return virtio_pci_attach(dev, vm);
}

int virtio_attach(struct virtio_device *dev, struct vm *vm)
{
	int err = attach(dev, vm);

	if (err)
		dev->ops->destroy(dev);
	else
		device_add(&vm->devices, &dev->device);
	return err;
}
