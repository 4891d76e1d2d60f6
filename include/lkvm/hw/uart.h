/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 16550A UART (National Semiconductor PC16550D). */
#ifndef LKVM_HW_UART_H
#define LKVM_HW_UART_H

#include "lkvm/vm/device.h"

struct vm;
struct chardev;

/*
 * Makes the UART, adds it to vm->devices. chardev stays the caller's; NULL: nobody is at the other end. Logs and returns -errno on failure.
 */
int uart_create(struct vm *vm, enum device_resource_kind kind, u64 base, int gsi,
		struct chardev *chardev, unsigned index);

#endif
