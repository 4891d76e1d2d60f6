/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The serial ports of a board, and which of them is the console. */
#ifndef LKVM_HW_SERIAL_PORTS_H
#define LKVM_HW_SERIAL_PORTS_H

#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/vm.h"

/* What --tty asks for: the one record of its kind. */
struct serial_ports_config {
	bool pty[VM_MAX_TTYS];		/* the port is on a pty of its own */
	const char *links[VM_MAX_TTYS]; /* a symbolic link to that; NULL: none */
};

extern const struct device_kind serial_ports_kind;

/*
 * The board's serial port of that number. Number 0 is always there and is the console's unless --tty or --console
 * say otherwise; any other is made only if --tty asks for it. Logs and returns -errno on failure.
 */
int serial_port_create(struct vm *vm, unsigned index, enum device_resource_kind kind, u64 base,
		       int gsi);

#endif
