// SPDX-License-Identifier: GPL-2.0-or-later
// options: --nested
// status: 0
// output: el2 ok
// limit: 120
// without: does not give guests EL2
/* --nested: entered at EL2 with VHE for ever; PSCI by SMC, HVC is an exception of our own. */
#include "el2.h"

void guest_main(addr_t boot)
{
	el2_check((const void *)boot, 1);
	print("el2 ok\n");
	power_off();
}
