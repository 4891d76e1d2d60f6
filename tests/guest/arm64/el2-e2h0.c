// SPDX-License-Identifier: GPL-2.0-or-later
// options: --nested --e2h0
// status: 0
// output: e2h0 ok
// limit: 120
// without: does not give guests EL2,gives guests EL2 only with VHE
/* --nested --e2h0: the same without VHE, and without a way to nest any further. */
#include "el2.h"

void guest_main(addr_t boot)
{
	el2_check((const void *)boot, 0);
	print("e2h0 ok\n");
	power_off();
}
