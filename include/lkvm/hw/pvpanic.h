/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvpanic: the guest tells of its panic. Logs and returns -errno on failure. */
#ifndef LKVM_HW_PVPANIC_H
#define LKVM_HW_PVPANIC_H

#include "lkvm/vm/device.h"

struct vm;

/* pvpanic (QEMU's specification) at an I/O port, QEMU0001 in ACPI; or at an address, for device trees. */
int pvpanic_create(struct vm *vm, enum device_resource_kind kind, u64 base);

#endif
