// SPDX-License-Identifier: GPL-2.0-or-later
// status: 244
// output: failing
// errors: internal error,rip,code at
#include "guest.h"

void guest_main(addr_t boot)
{
	print("failing\n");
	scripted_exit(17); /* KVM_EXIT_INTERNAL_ERROR */
	print("FAIL: still here\n");
	stop();
}
