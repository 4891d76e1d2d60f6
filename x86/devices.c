// SPDX-License-Identifier: GPL-2.0-or-later
/* The board's devices: which there are and where they go. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "acpi.h"
#include "board.h"
#include "lkvm/arch.h"
#include "lkvm/chardev.h"
#include "lkvm/hw.h"
#include "lkvm/log.h"
#include "lkvm/pci.h"
#include "x86-vm.h"

static const struct hw_place serial_ports[] = {
	{ .kind = RESOURCE_PORT, .base = 0x3f8, .gsi = 4 },
	{ .kind = RESOURCE_PORT, .base = 0x2f8, .gsi = 3 },
	{ .kind = RESOURCE_PORT, .base = 0x3e8, .gsi = 4 },
	{ .kind = RESOURCE_PORT, .base = 0x2e8, .gsi = 3 },
};

/*
 * Interrupts for virtio-mmio. Those of the ISA come first: a kernel that is told of a device on its
 * command line knows no others.
 */
static const u8 virtio_mmio_gsis[] = { 5, 9, 10, 11, 12, 14, 15, 6, 7, 20, 21, 22, 23 };
#define NR_ISA_VIRTIO_MMIO_GSIS 9

/* Owns a back end that is not the console; made before its serial port, so it goes after it. */
struct backend {
	struct device device;
	struct chardev *chardev;
};

static int backend_start(struct device *device)
{
	return chardev_start(CONTAINER_OF(device, struct backend, device)->chardev);
}

static void backend_destroy(struct device *device)
{
	struct backend *backend = CONTAINER_OF(device, struct backend, device);

	if (device->started)
		chardev_stop(backend->chardev);
	chardev_destroy(backend->chardev);
	free(backend);
}

static const struct device_ops backend_ops = { .start = backend_start, .destroy = backend_destroy };

static int add_backend(struct vm *vm, struct chardev *chardev, unsigned index)
{
	struct backend *backend = chardev ? calloc(1, sizeof(*backend)) : NULL;

	if (!backend) {
		log_fatal("Unable to open a terminal for serial port %u: %s", index,
			  strerror(errno));
		if (chardev)
			chardev_destroy(chardev);
		return -ENOMEM;
	}
	device_init(&backend->device, &backend_ops, "tty%u", index);
	backend->chardev = chardev;
	device_add(&vm->devices, &backend->device);
	return 0;
}

static bool wants_pty(const struct vm_config *config, unsigned index)
{
	for (unsigned i = 0; i < config->nr_ttys; i++)
		if (config->ttys[i] && strtoul(config->ttys[i], NULL, 10) == index)
			return true;
	return false;
}

/* The first port is always there, for early consoles; who does not use it gets silence. */
static int create_serial_port(struct vm *vm, unsigned index)
{
	bool pty = wants_pty(vm->config, index);
	struct chardev *chardev;
	int error;

	if (!pty && index)
		return 0;
	if (!pty && vm->config->console == CONSOLE_SERIAL)
		return uart_create(vm, &serial_ports[index], vm->console, index);
	chardev = pty ? chardev_pty(vm, index) : chardev_null();
	error = add_backend(vm, chardev, index);
	if (error)
		return error;
	return uart_create(vm, &serial_ports[index], chardev, index);
}

int arch_create_devices(struct vm *vm)
{
	int error = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(serial_ports) && !error; i++)
		error = create_serial_port(vm, i);
	if (!error)
		error = rtc_cmos_create(vm, BOARD_GSI_RTC);
	if (!error)
		error = i8042_create(vm);
	if (!error)
		error = pvpanic_port_create(vm, BOARD_PORT_PVPANIC);
	if (!error)
		error = acpi_pm_create(vm, BOARD_PORT_PM);
	if (!error)
		error = pci_host_create(vm, &vm->arch.x86->pci);
	return error;
}

int arch_virtio_mmio_slot(struct vm *vm, unsigned index, struct device_resource *where, int *gsi)
{
	unsigned nr_gsis =
		vm->config->arch.no_acpi ? NR_ISA_VIRTIO_MMIO_GSIS : ARRAY_SIZE(virtio_mmio_gsis);

	/* A wire each: levels of two devices on one would lower each other's. */
	if (index >= nr_gsis)
		return -ENOSPC;
	*where = (struct device_resource){
		.kind = RESOURCE_MMIO,
		.base = BOARD_VIRTIO_MMIO + index * BOARD_VIRTIO_MMIO_SIZE,
		.size = BOARD_VIRTIO_MMIO_SIZE,
	};
	*gsi = virtio_mmio_gsis[index];
	return 0;
}
