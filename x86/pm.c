// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the FADT names instead of PM1 blocks: one register to sleep by, its status, and one that resets.
 * There is no state, so nothing to lock, save or reset.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acpi.h"
#include "lkvm/log.h"
#include "x86-vm.h"

struct acpi_pm {
	struct device device;
	struct vm *vm;
};

static void pm_read(void *opaque, u64 offset, u8 *data, unsigned len)
{
	/* Sleep status: never was asleep, so no wake status either. */
	memset(data, 0, len);
}

static void pm_write(void *opaque, u64 offset, const u8 *data, unsigned len)
{
	struct acpi_pm *pm = opaque;
	u8 value = data[0];

	if (offset == ACPI_PM_RESET && value == ACPI_PM_RESET_VALUE)
		vm_request(pm->vm, VM_REQUEST_REBOOT);
	if (offset == ACPI_PM_SLEEP_CONTROL && value & ACPI_SLEEP_ENABLE &&
	    (value >> ACPI_SLEEP_TYPE_SHIFT & 7) == ACPI_SLEEP_TYPE_S5)
		vm_request(pm->vm, VM_REQUEST_POWEROFF);
}

static const struct bus_ops pm_bus_ops = { .read = pm_read, .write = pm_write };

static void pm_destroy(struct device *device)
{
	free(CONTAINER_OF(device, struct acpi_pm, device));
}

static const struct device_ops pm_device_ops = { .destroy = pm_destroy };

int acpi_pm_create(struct vm *vm, u16 port)
{
	struct acpi_pm *pm = calloc(1, sizeof(*pm));
	int error;

	if (!pm)
		return -ENOMEM;
	pm->vm = vm;
	device_init(&pm->device, &pm_device_ops, "acpi-pm");
	device_add(&vm->devices, &pm->device);
	error = bus_add(vm->ports, port, ACPI_PM_SIZE, &pm_bus_ops, pm);
	if (error)
		log_fatal("Power management: ports at 0x%x: %s", port, strerror(-error));
	return error;
}
