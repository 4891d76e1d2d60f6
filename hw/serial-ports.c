// SPDX-License-Identifier: GPL-2.0-or-later
/* Which serial ports a guest has, and what is behind each: the console, a pty, or nothing. */
#include <errno.h>

#include "lkvm/console/chardev.h"
#include "lkvm/hw/place.h"
#include "lkvm/hw/serial-ports.h"
#include "lkvm/hw/uart.h"
#include "lkvm/vm/vm.h"

/* The first port is always there, for early consoles; who does not use it gets silence. */
static int create_serial_port(struct vm *vm, const struct hw_place *place, unsigned index)
{
	struct chardev *chardev = vm->ttys[index];

	if (!chardev && index)
		return 0;
	if (!chardev && vm->config->console == CONSOLE_SERIAL)
		chardev = vm->console;
	if (!chardev)
		chardev = chardev_null(vm);
	return chardev ? uart_create(vm, place, chardev, index) : -ENOMEM;
}

int serial_ports_create(struct vm *vm, const struct hw_place *places, unsigned nr)
{
	int err = 0;

	for (unsigned i = 0; i < nr && !err; i++)
		err = create_serial_port(vm, &places[i], i);
	return err;
}

int serial_ports_create_row(struct vm *vm, gpa_t base, u64 distance, int gsi, unsigned nr)
{
	struct hw_place places[CONFIG_MAX_TTYS];

	for (unsigned i = 0; i < nr; i++)
		places[i] = (struct hw_place){
			.kind = RESOURCE_MMIO,
			.base = base + i * distance,
			.gsi = gsi + i,
		};
	return serial_ports_create(vm, places, nr);
}
