// SPDX-License-Identifier: GPL-2.0-or-later
// options: --virtio-transport mmio-legacy --rng
// status: 0
// output: order ok
/* Legacy virtio has the byte order of EL1, or of EL0, whoever resets the device. */
#include "legacy-order.h"

void guest_main(addr_t boot)
{
	legacy_order();
	power_off();
}
