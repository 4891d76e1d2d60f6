// SPDX-License-Identifier: GPL-2.0-or-later
/* pvpanic: one port by which a guest says that it has crashed (QEMU, docs/specs/pvpanic). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/hw/pvpanic.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"

#define PVPANIC_PANICKED     BIT(0)
#define PVPANIC_CRASH_LOADED BIT(1) /* a kdump kernel takes over: the guest goes on */
#define PVPANIC_EVENTS	     (PVPANIC_PANICKED | PVPANIC_CRASH_LOADED)

struct pvpanic {
	struct device device;
	struct vm *vm; /* constant */
	struct log_limit limit;
};

static void pvpanic_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	bus_put(data, len, PVPANIC_EVENTS);
}

static void pvpanic_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct pvpanic *p = opaque;

	if (data[0] & PVPANIC_PANICKED)
		vm_request(p->vm, VM_REQUEST_PANIC);
	else if ((data[0] & PVPANIC_CRASH_LOADED) && log_limit_ok(&p->limit))
		log_warning("The guest has crashed and starts its crash kernel");
}

static const struct bus_ops pvpanic_bus_ops = { .read = pvpanic_read, .write = pvpanic_write };

static void pvpanic_destroy(struct device *device)
{
	free(CONTAINER_OF(device, struct pvpanic, device));
}

static const struct device_ops pvpanic_ops = { .destroy = pvpanic_destroy };

int pvpanic_create(struct vm *vm, enum device_resource_kind kind, u64 base)
{
	struct pvpanic *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	device_init(&p->device, &pvpanic_ops, "pvpanic");
	p->vm = vm;
	p->limit.burst = 3;
	p->device.description = (struct device_description){
		.acpi_hid = "QEMU0001",
		.compatible = "qemu,pvpanic-mmio",
		.node_name = "pvpanic",
		.where = { kind, base, kind == RESOURCE_PORT ? 1 : 2 },
		.gsi = -1,
	};
	return device_attach(&p->device, vm, &pvpanic_bus_ops, p);
}
