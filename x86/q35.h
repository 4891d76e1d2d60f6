/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a firmware made for QEMU's q35 machine (OVMF) touches of that chipset before it has any tables: the memory
 * controller's identity (the PCI host's, by its board), the ISA bridge in slot 31, which leads to the power management that
 * every guest has, and a port that takes debug output. A guest that begins with a kernel has none of these.
 */
#ifndef X86_Q35_H
#define X86_Q35_H

#include "lkvm/vm/vm.h"

#define Q35_VENDOR   0x8086
#define Q35_BRIDGE   0x29c0 /* 82G33 MCH: slot 0 */
#define Q35_PCIEXBAR 0x60

/* With the PCI host there; adds devices to vm->devices. Logs and returns -errno on failure. */
int q35_create(struct vm *vm);

#endif
