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

static int create(struct vm *vm, struct bus *bus, enum device_resource_kind kind, u64 base,
		  u64 size)
{
	struct pvpanic *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	device_init(&p->device, &pvpanic_ops, "pvpanic");
	p->vm = vm;
	p->limit.burst = 3;
	p->device.description.acpi_hid = "QEMU0001";
	p->device.description.compatible = "qemu,pvpanic-mmio";
	p->device.description.node_name = "pvpanic";
	p->device.description.resources[0] = (struct device_resource){ kind, base, size };
	p->device.description.nr_resources = 1;
	err = bus_add(bus, base, size, &pvpanic_bus_ops, p);
	if (err) {
		log_fatal("pvpanic: address 0x%llx is not free", (unsigned long long)base);
		free(p);
		return err;
	}
	device_add(&vm->devices, &p->device);
	return 0;
}

int pvpanic_port_create(struct vm *vm, u16 port)
{
	return create(vm, vm->ports, RESOURCE_PORT, port, 1);
}

int pvpanic_mmio_create(struct vm *vm, gpa_t base)
{
	return create(vm, vm->mmio, RESOURCE_MMIO, base, 2);
}
