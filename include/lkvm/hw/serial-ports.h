/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The serial ports of a board, and which of them is the console. */
#ifndef LKVM_HW_SERIAL_PORTS_H
#define LKVM_HW_SERIAL_PORTS_H

#include "lkvm/hw/place.h"
#include "lkvm/vm/device-kind.h"
#include "lkvm/vm/vm.h"

/* What --tty asks for: the one record of its kind. */
struct serial_ports_config {
	bool pty[VM_MAX_TTYS];		/* the port is on a pty of its own */
	const char *links[VM_MAX_TTYS]; /* a symbolic link to that; NULL: none */
};

extern const struct device_kind serial_ports_kind;

/*
 * The board's serial ports: the first is always there and is the console's unless --tty or --console say
 * otherwise; another only when --tty asks for it.
 */
int serial_ports_create(struct vm *vm, const struct hw_place *places, unsigned nr);
/* The same for up to VM_MAX_TTYS ports in a row of MMIO: so many bytes apart, each with the next gsi. */
int serial_ports_create_row(struct vm *vm, gpa_t base, u64 distance, int gsi, unsigned nr);

#endif
