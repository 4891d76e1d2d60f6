/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The serial ports of a board, and which of them is the console. */
#ifndef LKVM_HW_SERIAL_PORTS_H
#define LKVM_HW_SERIAL_PORTS_H

#include "lkvm/hw/place.h"

struct vm;

/*
 * The board's serial ports: the first is always there and is the console's unless --tty or --console say
 * otherwise; another only when --tty asks for it.
 */
int serial_ports_create(struct vm *vm, const struct hw_place *places, unsigned nr);
/* The same for up to CONFIG_MAX_TTYS ports in a row of MMIO: so many bytes apart, each with the next gsi. */
int serial_ports_create_row(struct vm *vm, gpa_t base, u64 distance, int gsi, unsigned nr);

#endif
