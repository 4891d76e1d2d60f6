/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PC keyboard controller, as far as a reset needs it. Logs and returns -errno on failure. */
#ifndef LKVM_HW_I8042_H
#define LKVM_HW_I8042_H

struct vm;

/* Just enough of an i8042 at 0x60/0x64 that Linux neither waits nor misses a reset pulse. */
int i8042_create(struct vm *vm);

#endif
