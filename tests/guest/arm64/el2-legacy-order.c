// SPDX-License-Identifier: GPL-2.0-or-later
// options: --nested --virtio-transport mmio-legacy --rng
// status: 0
// output: order ok
// limit: 180
// without: does not give guests EL2
/* Legacy virtio has the byte order of EL2, or of the EL0 that belongs to it. */
#include "legacy-order.h"

#define HCR_TGE (1ULL << 27)

void guest_main(addr_t boot)
{
	write_sysreg(hcr_el2, read_sysreg(hcr_el2) | HCR_TGE);
	legacy_order();
	power_off();
}
