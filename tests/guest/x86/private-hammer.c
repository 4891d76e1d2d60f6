// SPDX-License-Identifier: GPL-2.0-or-later
/* Random ranges from two CPUs, with each page's contents known, and then with nothing known. */
// options: --vm-type sw-protected -c 2
// status: 0
// output: private hammer ok
// without: not offered by this host's KVM
// limit: 180
#include "private-hammer.h"

void guest_main(addr_t boot)
{
	hammer_both(100);
	print("private hammer ok\n");
	power_off();
}
