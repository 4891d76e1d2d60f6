// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"

void device_init(struct device *device, const struct device_ops *ops, const char *fmt, ...)
{
	va_list args;

	memset(device, 0, sizeof(*device));
	device->ops = ops;
	device->description.gsi = -1;
	va_start(args, fmt);
	vsnprintf(device->name, sizeof(device->name), fmt, args);
	va_end(args);
}

void device_add(struct device_list *list, struct device *device)
{
	TAILQ_INSERT_TAIL(list, device, link);
}

int device_attach(struct device *device, struct vm *vm, const struct bus_ops *ops, void *opaque)
{
	const struct device_resource *where = &device->description.where;
	struct bus *bus = where->kind == RESOURCE_PORT ? vm->ports : vm->mmio;
	int err = bus_add(bus, where->base, where->size, ops, opaque);

	device_add(&vm->devices, device);
	if (err)
		log_fatal("%s: address 0x%llx is not free", device->name,
			  (unsigned long long)where->base);
	return err;
}

void devices_reset(struct device_list *list)
{
	struct device *device;

	device_for_each (device, list)
		if (device->ops->reset)
			device->ops->reset(device);
}

int devices_start(struct device_list *list)
{
	struct device *device;
	int err;

	device_for_each (device, list) {
		if (device->started)
			continue;
		err = device->ops->start ? device->ops->start(device) : 0;
		if (err)
			return err;
		device->started = true;
	}
	return 0;
}

void devices_quiesce(struct device_list *list)
{
	struct device *device;

	device_for_each (device, list) {
		if (!device->started || device->quiesced)
			continue;
		device->quiesced = true;
		if (device->ops->quiesce)
			device->ops->quiesce(device);
	}
}

void devices_resume(struct device_list *list)
{
	struct device *device;

	device_for_each (device, list) {
		if (!device->quiesced)
			continue;
		device->quiesced = false;
		if (device->ops->resume)
			device->ops->resume(device);
	}
}

bool devices_drained(struct device_list *list, const struct deadline *deadline)
{
	struct device *device;
	bool all = true;

	device_for_each (device, list)
		if (device->started && device->ops->drained)
			all &= device->ops->drained(device, deadline);
	return all;
}

void devices_stop(struct device_list *list)
{
	struct device *device;

	device_for_each (device, list) {
		if (device->started && device->ops->stop)
			device->ops->stop(device);
		device->started = false;
	}
}

void devices_destroy(struct device_list *list)
{
	struct device *device;

	devices_stop(list);
	while ((device = TAILQ_LAST(list, device, link))) {
		TAILQ_REMOVE(list, device, link);
		if (device->ops->destroy)
			device->ops->destroy(device);
	}
}
