/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a device of 8-bit registers sits: given to it by the board. */
#ifndef LKVM_HW_PLACE_H
#define LKVM_HW_PLACE_H

#include "lkvm/vm/device.h"

/* Where something of 8-bit registers sits: ports or MMIO. */
struct hw_place {
	enum device_resource_kind kind;
	u64 base;
	int gsi;
};

#endif
