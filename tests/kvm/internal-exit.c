// SPDX-License-Identifier: GPL-2.0-or-later
// status: 244
// output: jumping
// errors: internal error,rip,code at
/* As the bare-metal guest internal-error sees it, which jumps where no memory is. */
#include "guest.h"

void guest_main(addr_t boot)
{
	print("jumping\n");
	scripted_exit(17); /* KVM_EXIT_INTERNAL_ERROR */
	print("FAIL: still here\n");
	stop();
}
