// SPDX-License-Identifier: GPL-2.0-or-later
/* Which serial ports a guest has, and what is behind each: the console, a pty, or nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lkvm/console/chardev.h"
#include "lkvm/hw/place.h"
#include "lkvm/hw/serial-ports.h"
#include "lkvm/hw/uart.h"
#include "lkvm/util/log.h"
#include "lkvm/vm/vm.h"

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

/* The first port is always there, for early consoles; who does not use it gets silence. */
static int create_serial_port(struct vm *vm, const struct hw_place *place, unsigned index)
{
	bool pty = vm->config->ttys[index].pty;
	struct chardev *chardev;
	int error;

	if (!pty && index)
		return 0;
	if (!pty && vm->config->console == CONSOLE_SERIAL)
		return uart_create(vm, place, vm->console, index);
	chardev = pty ? chardev_pty(vm, index) : chardev_null();
	error = add_backend(vm, chardev, index);
	if (error)
		return error;
	return uart_create(vm, place, chardev, index);
}

int serial_ports_create(struct vm *vm, const struct hw_place *places, unsigned nr)
{
	int error = 0;

	for (unsigned i = 0; i < nr && !error; i++)
		error = create_serial_port(vm, &places[i], i);
	return error;
}

int serial_ports_create_row(struct vm *vm, const struct hw_place *first, u64 distance, unsigned nr)
{
	struct hw_place places[CONFIG_MAX_TTYS];

	for (unsigned i = 0; i < nr; i++) {
		places[i] = *first;
		places[i].base += i * distance;
		places[i].gsi += i;
	}
	return serial_ports_create(vm, places, nr);
}
