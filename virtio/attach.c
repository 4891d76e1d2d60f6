/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a device goes: behind the transport that the configuration names. */
#include <string.h>
#include "lkvm/arch.h"
#include "lkvm/log.h"
#include "lkvm/virtio.h"
#include "lkvm/vm.h"

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
			  "--virtio-transport pci",
			  dev->device.name, index);
		return err;
	}
	return virtio_mmio_attach(dev, vm, &where, gsi);
}

int virtio_attach(struct virtio_device *dev, struct vm *vm)
{
	int err = vm->config->transport == TRANSPORT_MMIO ? attach_mmio(dev, vm)
							  : virtio_pci_attach(dev, vm);

	if (!err)
		device_add(&vm->devices, &dev->device);
	return err;
}
